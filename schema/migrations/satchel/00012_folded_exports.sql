-- An export that has ended is kept for years, for the list and the audit trail. It needs no public key any more, and its
-- categories only to be shown: they are folded into its row when its removal is proven, one small value instead of a
-- dozen rows with their index entries.
--
-- The programs may add to the audit trail and not change it. So that the sweep can delete its oldest rows all the same,
-- a function of the owner does: none that is younger than a year, whatever it is asked for.

-- +goose Up
alter table satchel.exports add column ended_categories jsonb; -- [name, status, records, expected records, bytes] of each; null until folded

-- +goose StatementBegin
create function satchel.purge_audit(kept interval, batch integer) returns bigint
language sql security definer set search_path = pg_catalog as $$
    with purged as (
        delete from satchel.audit where id = any (array(
            select id from (select id, at from satchel.audit order by id limit batch) oldest -- IDs are in order of time
            where at < statement_timestamp() - greatest(kept, interval '365 days')))
        returning id)
    select count(*) from purged
$$;
-- +goose StatementEnd

-- +goose Down
drop function satchel.purge_audit;
insert into satchel.categories (export_id, category, status, records, expected_records, bytes)
select e.id, c->>0, c->>1, (c->2)::bigint, (c->>3)::bigint, (c->4)::bigint
from satchel.exports e, jsonb_array_elements(e.ended_categories) c;
alter table satchel.exports drop column ended_categories;
