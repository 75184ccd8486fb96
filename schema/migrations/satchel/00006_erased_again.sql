-- A call that is erased while it is young is not in the platform's archive yet. When the platform moves its record there,
-- months later, it is in the archive after all, and nothing that the customer did then deletes it. So the sweep deletes
-- erased calls again, for as long as they may still be moved. It also finishes what the archive was away for.

-- +goose Up
alter table satchel.erased_calls add column erase_again_at timestamptz default clock_timestamp(); -- null: it comes there no more
create index erased_calls_due on satchel.erased_calls (erase_again_at) where erase_again_at is not null;

-- +goose Down
drop index satchel.erased_calls_due;
alter table satchel.erased_calls drop column erase_again_at;
