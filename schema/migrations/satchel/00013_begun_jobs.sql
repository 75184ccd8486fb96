-- The position in the queue counts the earlier jobs that still have a day to begin. To look for that day in every waiting
-- job took ever longer with the number of jobs; one of which no day was begun has all of its days before it.

-- +goose Up
alter table satchel.jobs add column begun_at timestamptz; -- null: no day was begun, or failed, yet
update satchel.jobs set begun_at = created_at where ended_at is null;

-- +goose Down
alter table satchel.jobs drop column begun_at;
