-- A call that is erased while it is recent is not in the platform's archive yet. When the platform moves its record there,
-- months later, no request of the customer deletes it. So the sweep deletes erased calls again, for as long as they
-- may still be moved. It also finishes erasures for which the archive was unavailable.

-- +goose Up
alter table satchel.erased_calls add column erase_again_at timestamptz default clock_timestamp(); -- null: it can no longer be moved there
create index erased_calls_due on satchel.erased_calls (erase_again_at) where erase_again_at is not null;

-- +goose Down
drop index satchel.erased_calls_due;
alter table satchel.erased_calls drop column erase_again_at;
