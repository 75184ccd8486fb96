-- An export that has ended is kept for years, for the list and the audit trail. It needs no public key any more, and its
-- categories only to be shown: they are folded into its row when its removal is proven, one small value instead of a
-- dozen rows with their index entries.

-- +goose Up
alter table satchel.exports add column ended_categories jsonb; -- [name, status, records, expected records, bytes] of each; null until folded

-- +goose Down
insert into satchel.categories (export_id, category, status, records, expected_records, bytes)
select e.id, c->>0, c->>1, (c->2)::bigint, (c->>3)::bigint, (c->4)::bigint
from satchel.exports e, jsonb_array_elements(e.ended_categories) c;
alter table satchel.exports drop column ended_categories;
