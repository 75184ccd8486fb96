-- A category's ledger holds pieces that were read with one query. It remembers which, so that an attempt with another
-- query, as after a deployment in between, begins the category anew instead of mixing two shapes in one array. Instead
-- of the oldest snapshot, which its pieces know, it remembers the one in which the end of the category was seen: an
-- attempt that resumes may find no further record.

-- +goose Up
alter table satchel.categories add column query_sha256 text not null default ''; -- '' before it began
alter table satchel.categories rename column read_at to end_read_at;             -- of the snapshot in which no further record followed

-- +goose Down
alter table satchel.categories rename column end_read_at to read_at;
alter table satchel.categories drop column query_sha256;
