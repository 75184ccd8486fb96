-- What bulk exports read beside calls: messages, conferences and who took part
-- in them, and the archive of calls. A call moves to the archive 13 months after
-- it was made, and is then in no other table. Bulk exports read a UTC day of
-- one account at a time, so each table has an index that a day can be read along in
-- the order of its file: by creation, then SID. SIDs are compared as bytes
-- there, so that the order is the same in every database.

-- +goose Up
alter table platform.calls
    add column from_formatted text,
    add column to_formatted   text,
    add column queue_time     integer,            -- milliseconds
    add column api_version    text default '2010-04-01',
    add column group_sid      text,
    add column trunk_sid      text;
create index calls_by_day on platform.calls (account_sid, date_created, sid collate "C");

-- A call keeps its id when it moves, so that both tables can be read as one.
create table platform.calls_archive (like platform.calls including defaults including constraints);
alter table platform.calls_archive add primary key (id), add unique (sid);
create index calls_archive_account on platform.calls_archive (account_sid, id);
create index calls_archive_by_day on platform.calls_archive (account_sid, date_created, sid collate "C");

create table platform.messages (
    sid                   text primary key,
    account_sid           text not null,
    messaging_service_sid text,
    from_number           text,
    to_number             text,
    body                  text,
    num_segments          integer not null default 1,
    num_media             integer not null default 0,
    status                text not null check (status in ('queued', 'sending', 'sent', 'failed', 'delivered', 'undelivered', 'receiving',
        'received', 'accepted', 'scheduled', 'read', 'partially_delivered', 'canceled')),
    direction             text not null check (direction in ('inbound', 'outbound-api', 'outbound-call', 'outbound-reply')),
    date_created          timestamptz not null default now(),
    date_sent             timestamptz,
    date_updated          timestamptz,
    price                 numeric,
    price_unit            text,
    error_code            integer,
    error_message         text,
    media_token           text,                   -- grants access to pictures and sounds
    content_scan          jsonb,                  -- result of our spam filter
    carrier_route         text,
    carrier_cost          numeric
);
create index messages_by_day on platform.messages (account_sid, date_created, sid collate "C");

create table platform.conferences (
    sid                        text primary key,
    account_sid                text not null,
    friendly_name              text,
    region                     text,
    status                     text not null check (status in ('init', 'in-progress', 'completed')),
    date_created               timestamptz not null default now(),
    date_updated               timestamptz,
    reason_conference_ended    text check (reason_conference_ended in ('conference-ended-via-api',
        'participant-with-end-conference-on-exit-left', 'participant-with-end-conference-on-exit-kicked',
        'last-participant-kicked', 'last-participant-left')),
    call_sid_ending_conference text,
    moderator_pin              text,              -- anyone who knows it can take the conference over
    media_server               text
);
create index conferences_by_day on platform.conferences (account_sid, date_created, sid collate "C");

-- The API identifies a participant by its call. Its own SID only orders participants
-- that were created at the same time.
create table platform.participants (
    sid                       text primary key,
    account_sid               text not null,
    conference_sid            text not null,
    call_sid                  text not null,
    call_sid_to_coach         text,
    label                     text,
    coaching                  boolean not null default false,
    muted                     boolean not null default false,
    hold                      boolean not null default false,
    start_conference_on_enter boolean not null default true,
    end_conference_on_exit    boolean not null default false,
    status                    text not null check (status in ('queued', 'connecting', 'ringing', 'connected', 'complete', 'failed')),
    date_created              timestamptz not null default now(),
    date_updated              timestamptz,
    queue_time                integer,            -- milliseconds
    join_token                text,               -- lets its bearer rejoin
    media_server              text
);
create index participants_by_day on platform.participants (account_sid, date_created, sid collate "C");
