-- What customers do on the platform: the people they call, the numbers and
-- carriers they call with, the flows that answer, the campaigns and schedules
-- that dial, and the calls themselves. Every table has (account_sid, id), so
-- that one account's rows can be read in the order they were written.

-- +goose Up
create table platform.contacts (
    id              bigint generated always as identity primary key,
    sid             text not null unique,
    account_sid     text not null references platform.accounts (sid),
    name            text,
    given_name      text,
    family_name     text,
    phone           text,
    email           text,
    company         text,
    address         jsonb,
    birthday        date,
    language        text,
    timezone        text,
    tags            text[] not null default '{}',
    custom_fields   jsonb not null default '{}',
    do_not_call     boolean not null default false,
    consented_at    timestamptz,
    lead_score      double precision,
    lifetime_value  numeric,
    photo_thumbnail bytea,
    notes           text,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    portal_token    text,                         -- opens the contact's self-service page
    search_vector   tsvector                      -- of name, company and notes
);
create index contacts_account on platform.contacts (account_sid, id);

create table platform.phone_numbers (
    id                bigint generated always as identity primary key,
    sid               text not null unique,
    account_sid       text not null references platform.accounts (sid),
    phone_number      text not null,
    friendly_name     text,
    country           text not null,
    kind              text not null default 'local' check (kind in ('local', 'mobile', 'toll-free')),
    capabilities      jsonb not null default '{}',
    flow_sid          text,
    voip_provider_sid text,
    emergency_address jsonb,
    monthly_price     numeric(12, 5),
    price_unit        text,
    purchased_at      timestamptz not null default now(),
    released_at       timestamptz,
    updated_at        timestamptz not null default now(),
    porting_pin       text,                       -- anyone who knows it can move the number away
    carrier_cost      numeric(12, 5)              -- what the number costs us
);
create index phone_numbers_account on platform.phone_numbers (account_sid, id);

create table platform.voip_providers (
    id               bigint generated always as identity primary key,
    sid              text not null unique,
    account_sid      text not null references platform.accounts (sid),
    name             text not null,
    kind             text not null default 'sip-trunk',
    host             text not null,
    port             integer not null default 5061,
    transport        text not null default 'tls' check (transport in ('udp', 'tcp', 'tls')),
    codecs           text[] not null default '{}',
    max_channels     smallint,
    priority         integer not null default 10,
    enabled          boolean not null default true,
    registered_at    timestamptz,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),
    username         text,
    password         text,
    api_key          text,
    api_secret       text,
    private_key      text                         -- of the client certificate
);
create index voip_providers_account on platform.voip_providers (account_sid, id);

create table platform.flows (
    id                bigint generated always as identity primary key,
    sid               text not null unique,
    account_sid       text not null references platform.accounts (sid),
    name              text not null,
    description       text,
    status            text not null default 'draft' check (status in ('draft', 'published', 'archived')),
    version           integer not null default 1,
    definition        json not null,              -- as the customer wrote it, duplicate keys included
    fingerprint       bytea,                      -- of the published definition
    created_by        text,
    published_at      timestamptz,
    created_at        timestamptz not null default now(),
    updated_at        timestamptz not null default now(),
    webhook_secret    text,                       -- signs the requests that the flow sends
    compiled          bytea                       -- what our engine runs
);
create index flows_account on platform.flows (account_sid, id);

create table platform.call_schedules (
    id            bigint generated always as identity primary key,
    sid           text not null unique,
    account_sid   text not null references platform.accounts (sid),
    name          text not null,
    timezone      text not null default 'UTC',
    weekdays      smallint[] not null default '{1,2,3,4,5}',
    opens_at      time not null,
    closes_at     time not null,
    holidays      date[] not null default '{}',
    retry_after   interval,
    max_attempts  integer not null default 3,
    valid_from    timestamptz not null default '-infinity',
    valid_until   timestamptz not null default 'infinity',
    enabled       boolean not null default true,
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now(),
    next_run_at   timestamptz,
    dispatcher    text                            -- the machine that holds the timer
);
create index call_schedules_account on platform.call_schedules (account_sid, id);

create table platform.campaigns (
    id                bigint generated always as identity primary key,
    sid               text not null unique,
    account_sid       text not null references platform.accounts (sid),
    name              text not null,
    status            text not null default 'draft' check (status in ('draft', 'running', 'paused', 'finished')),
    channel           text not null default 'voice',
    flow_sid          text,
    call_schedule_sid text,
    phone_number_sid  text,
    audience          jsonb not null default '{}',
    script            text,
    daily_limit       integer,
    budget            numeric(14, 2),
    spent             numeric(18, 5) not null default 0,
    answer_rate       double precision,           -- NaN before the first call
    starts_at         timestamptz,
    ends_at           timestamptz,
    created_by        text,
    created_at        timestamptz not null default now(),
    updated_at        timestamptz not null default now(),
    dialer_state      jsonb                       -- internal state of our dialer
);
create index campaigns_account on platform.campaigns (account_sid, id);

-- By far the largest table. It has no foreign key to accounts, because checking one
-- for every call is expensive. Columns are named as in the call resource of the API.
create table platform.calls (
    id                    bigint generated always as identity primary key,
    sid                   text not null unique,
    account_sid           text not null,
    parent_call_sid       text,
    phone_number_sid      text,
    flow_sid              text,
    campaign_sid          text,
    from_number           text,
    to_number             text,
    forwarded_from        text,
    caller_name           text,
    direction             text not null check (direction in
        ('inbound', 'outbound-api', 'outbound-dial', 'trunking-originating', 'trunking-terminating')),
    status                text not null check (status in
        ('queued', 'ringing', 'in-progress', 'completed', 'busy', 'failed', 'no-answer', 'canceled')),
    answered_by           text,
    date_created          timestamptz not null default now(),
    date_updated          timestamptz,
    start_time            timestamptz,
    end_time              timestamptz,
    duration              integer,                -- seconds
    price                 numeric,
    price_unit            text,
    quality_score         double precision,       -- mean opinion score; NaN when nothing was heard
    tags                  text[],
    metadata              jsonb,                  -- what the customer attached to the call
    sip_headers           json,                   -- as the carrier sent them
    pii_scrubbed_at       timestamptz,            -- set when the personal data in the row was blanked
    recording_token       text,                   -- grants access to the recording
    carrier_route         text,
    carrier_cost          numeric
);
create index calls_account on platform.calls (account_sid, id);
