-- An account that has many webhooks under way may not have more sent again. To count them must not mean to read all the
-- webhooks that the account ever had.
-- +goose Up
create index events_pending_of_account on satchel.events (account_sid) where status = 'pending';

-- +goose Down
drop index satchel.events_pending_of_account;
