-- Accounts, which may have subaccounts, the people in them, and the API keys of
-- those people. They come first because every other record belongs to an account.
-- In development and in tests these tables take the place of a company's own. They
-- hold what such tables hold, secrets included, so that tests can show that no
-- secret is exported.

-- +goose Up
create schema platform;

create table platform.accounts (
    id                   bigint generated always as identity primary key,
    sid                  text not null unique check (sid ~ '^AC[0-9a-f]{32}$'),
    parent_sid           text references platform.accounts (sid),
    name                 text not null,
    slug                 text not null unique default 'account-' || replace(gen_random_uuid()::text, '-', '')
                             check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    type                 text not null default 'full' check (type in ('trial', 'full')),
    status               text not null default 'active' check (status in ('active', 'suspended', 'closed')),
    suspended            boolean not null default false,
    plan                 text not null default 'standard',
    currency             text not null default 'USD',
    balance              numeric not null default 0,
    timezone             text not null default 'UTC',
    billing_email        text,
    billing_address      jsonb,
    settings             jsonb not null default '{}',
    created_at           timestamptz not null default now(),
    updated_at           timestamptz not null default now(),
    closed_at            timestamptz,
    auth_token_sha256    bytea not null,           -- checks HTTP Basic
    auth_token_sealed    bytea,                    -- signs webhooks, so a hash is not enough
    auth_token_set_at    timestamptz,
    billing_customer_ref text,                     -- at the payment processor
    fraud_score          double precision
);
create index accounts_parent on platform.accounts (parent_sid, id);

create table platform.users (
    id                       bigint generated always as identity primary key,
    sid                      text not null unique check (sid ~ '^US[0-9a-f]{32}$'),
    account_sid              text not null references platform.accounts (sid),
    email                    text not null,
    name                     text not null,
    phone                    text,
    role                     text not null check (role in ('owner', 'admin', 'member')),
    status                   text not null default 'active' check (status in ('invited', 'active', 'deactivated')),
    title                    text,
    locale                   text not null default 'en',
    timezone                 text not null default 'UTC',
    preferences              jsonb not null default '{}',
    invited_at               timestamptz,
    last_sign_in_at          timestamptz,
    last_sign_in_ip          inet,
    created_at               timestamptz not null default now(),
    updated_at               timestamptz not null default now(),
    deactivated_at           timestamptz,
    password_hash            text,
    password_changed_at      timestamptz,
    password_reset_sha256    bytea,
    mfa_enabled              boolean not null default false,
    mfa_secret               text,
    mfa_recovery_codes       text[],
    failed_sign_ins          integer not null default 0,
    support_note             text                  -- written by our staff about the person
);
create index users_account on platform.users (account_sid, id);
create unique index users_email on platform.users (account_sid, lower(email));

create table platform.api_keys (
    id            bigint generated always as identity primary key,
    sid           text not null unique check (sid ~ '^SK[0-9a-f]{32}$'),
    account_sid   text not null references platform.accounts (sid),
    user_sid      text not null references platform.users (sid), -- the key may do what this person may
    name          text not null,
    secret_sha256 bytea not null,
    created_at    timestamptz not null default now(),
    last_used_at  timestamptz,
    revoked_at    timestamptz
);
create index api_keys_account on platform.api_keys (account_sid, id);
