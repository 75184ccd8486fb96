-- Bulk exports: custom jobs and their days, the files of days, settings for daily exports, the days that an account
-- and its subaccounts have requested today, calls to erase from the archive, and webhook events. A job's row holds
-- what the caller entered (name, address, URL) until the job is purged; no other table but events does. E-mails are
-- now also sent about jobs, so they no longer belong to an export alone.

-- +goose Up
create table satchel.jobs (
    id             text primary key check (id ~ '^JS[0-9a-f]{32}$'),
    account_sid    text not null,
    resource_type  text not null,
    friendly_name  text not null,
    start_day      date not null,
    end_day        date not null,
    webhook_url    text not null default '',
    webhook_method text not null default '',
    email          text not null default '',
    requested_by   text not null,             -- user ID, or '' for the account's own credentials
    created_at     timestamptz not null default clock_timestamp(),
    deleting_at    timestamptz,
    ended_at       timestamptz
);
create index jobs_of_account on satchel.jobs (account_sid, resource_type, created_at desc, id desc);
create index jobs_unended on satchel.jobs (created_at, id) where ended_at is null;
create index jobs_ended on satchel.jobs (ended_at) where ended_at is not null;

create table satchel.job_days (
    job_id     text not null references satchel.jobs (id) on delete cascade,
    day        date not null,
    status     text not null check (status in ('Submitted', 'Running', 'ErrorDuringRun', 'Completed', 'CompletedEmptyRecords',
        'Failed', 'RunningToBeDeleted', 'DeletedByUserRequest')),
    records    bigint not null default 0,
    started_at timestamptz,
    ended_at   timestamptz,
    primary key (job_id, day)
);
create index job_days_written on satchel.job_days (ended_at desc) where status in ('Completed', 'CompletedEmptyRecords'); -- for estimates: how long the latest days took
create index job_days_fresh on satchel.job_days (job_id, day) where status = 'Submitted';
create index job_days_begun on satchel.job_days (job_id) where ended_at is null and status <> 'Submitted';

-- There is one file of each account, type and day. Its key is in the same row: a new version replaces the old one's
-- key, and removal deletes the key first.
create table satchel.day_files (
    account_sid   text not null,
    resource_type text not null,
    day           date not null,
    id            text not null unique check (id ~ '^DF[0-9a-f]{32}$'),
    seq           bigint generated always as identity, -- order of publication
    job_id        text not null default '',
    friendly_name text not null default '',
    wrapped       bytea,                               -- null once removal has begun
    records       bigint not null,
    size          bigint not null,
    sha256        text not null,
    created_at    timestamptz not null default clock_timestamp(), -- no call that was erased before that is in it
    expires_at    timestamptz not null,
    primary key (account_sid, resource_type, day)
);
create unique index day_files_in_order on satchel.day_files (account_sid, resource_type, seq);
create index day_files_by_expiry on satchel.day_files (expires_at);

create table satchel.bulk_configurations (
    account_sid    text not null,
    resource_type  text not null,
    enabled        boolean not null default false,
    webhook_url    text not null default '',
    webhook_method text not null default '',
    changed_at     timestamptz not null default clock_timestamp(),
    unseen_since   timestamptz, -- since when the source database has not shown the account to its daily export
    primary key (account_sid, resource_type),
    check ((webhook_url = '') = (webhook_method = ''))
);

create table satchel.bulk_quota (
    account_sid text not null, -- the parent account, for its subaccounts too
    day         date not null,
    days        integer not null,
    primary key (account_sid, day)
);

-- Erased calls are recorded for good, so that no new file contains them and a repeated request gets the same answer.
create table satchel.erased_calls (
    account_sid text not null,
    call_sid    text not null,
    day         date not null,
    at          timestamptz not null default clock_timestamp(),
    primary key (account_sid, call_sid)
);
create index erased_calls_of_day on satchel.erased_calls (account_sid, day, at);

create table satchel.events (
    id             uuid primary key,
    account_sid    text not null,
    resource_type  text not null,
    job_id         text not null default '',
    day            date,
    webhook_url    text not null,
    webhook_method text not null,
    friendly_name  text not null default '',
    start_day      date,
    end_day        date,
    days_completed integer not null,
    days_empty     integer not null,
    days_failed    integer not null,
    at             timestamptz not null default clock_timestamp(),
    status         text not null default 'pending' check (status in ('pending', 'delivered', 'failed')),
    attempts       integer not null default 0
);
create index events_of_account on satchel.events (account_sid, at desc, id);
create index events_by_age on satchel.events (at);
create index events_pending on satchel.events (id) where status = 'pending'; -- the sweep looks for those that have lost their workflow

create table satchel.event_attempts (
    event_id    uuid not null references satchel.events (id) on delete cascade,
    at          timestamptz not null default clock_timestamp(),
    http_status integer not null,
    outcome     text not null,
    took_ms     bigint not null
);
create index event_attempts_of_event on satchel.event_attempts (event_id, at desc);

create table satchel.unsubscribed (
    user_id text primary key,
    at      timestamptz not null default clock_timestamp()
);

alter table satchel.emails drop constraint emails_export_id_fkey;
alter table satchel.emails rename column export_id to subject;

-- +goose Down
delete from satchel.emails where subject not like 'EX%';
alter table satchel.emails rename column subject to export_id;
alter table satchel.emails add foreign key (export_id) references satchel.exports (id);
drop table satchel.unsubscribed;
drop table satchel.event_attempts;
drop table satchel.events;
drop table satchel.erased_calls;
drop table satchel.bulk_quota;
drop table satchel.bulk_configurations;
drop table satchel.day_files;
drop table satchel.job_days;
drop table satchel.jobs;
