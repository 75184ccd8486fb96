-- A day file is outdated if a call of its day was erased that it does not leave out. Comparing the times of erasure and
-- publication answers wrongly when the clock steps back, so the erasure marks the file, and the next version of the file
-- is not marked. The mark also serves the sweep, which looks for calls that the platform no longer shows, for each file
-- from time to time.
--
-- Erasures are repeated for a while after they were requested, whatever the age of the call. They wait in one queue of
-- accounts: those of an account that fail go behind the other accounts.
--
-- Each erasure is also stored in the bucket, so that a restored database gets back those that it has lost.

-- +goose Up
alter table satchel.day_files add column outdated_since timestamptz, add column checked_at timestamptz not null default clock_timestamp();
update satchel.day_files f set outdated_since = (select min(e.at) from satchel.erased_calls e
    where e.account_sid = f.account_sid and e.day = f.day and e.at > f.created_at)
where f.resource_type = 'Calls';
create index day_files_outdated on satchel.day_files (id) where outdated_since is not null;
create index day_files_unchecked on satchel.day_files (checked_at, id) where resource_type = 'Calls';

alter table satchel.erased_calls add column erase_until timestamptz not null default clock_timestamp() + interval '14 months';
drop index satchel.erased_calls_due;
create index erased_calls_due on satchel.erased_calls (account_sid, erase_again_at) where erase_again_at is not null;

create table satchel.erasure_queue (
    account_sid text primary key,
    due_at      timestamptz not null -- when its next erased calls are due, or are tried again
);
create index erasure_queue_due on satchel.erasure_queue (due_at);
insert into satchel.erasure_queue (account_sid, due_at)
select account_sid, min(erase_again_at) from satchel.erased_calls where erase_again_at is not null group by account_sid;

create table satchel.erasure_log (
    one       boolean primary key default true check (one),
    last_key  text not null -- of the erasures in the bucket, in order; all up to this one are in the database
);

-- +goose Down
drop table satchel.erasure_log;
drop table satchel.erasure_queue;
drop index satchel.erased_calls_due;
create index erased_calls_due on satchel.erased_calls (erase_again_at) where erase_again_at is not null;
alter table satchel.erased_calls drop column erase_until;
alter table satchel.day_files drop column outdated_since, drop column checked_at;
