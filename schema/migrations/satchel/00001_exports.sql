-- An export is one row that moves from status to status. Other tables refer to
-- it: its wrapped key, the progress of its categories, the ledger of pieces, the
-- offsets at which reading the archive can begin, and an audit trail that
-- outlives all of them. No record of a customer is ever stored here, only IDs,
-- counts, hashes and times.

-- +goose Up
create schema satchel;

create table satchel.exports (
    id                 text primary key check (id ~ '^EX[0-9a-f]{32}$'),
    account_sid        text not null,
    requested_by       text not null,             -- user ID, or '' for the account's own credentials
    status             text not null check (status in
        ('pending', 'confirmed', 'processing', 'completed', 'expired', 'failed', 'cancelled')),
    reason             text not null default '',
    failed_category    text not null default '',
    link_version       integer not null default 1, -- of the confirmation link
    requested_at       timestamptz not null,
    confirm_by         timestamptz not null,
    confirmed_at       timestamptz,
    completed_at       timestamptz,
    expires_at         timestamptz,
    available_again_at timestamptz,
    ended_at           timestamptz,
    recipient          text not null default '',   -- public half of the export's key
    archive_key        text,
    size               bigint,
    sha256             text,
    gzip_size          bigint,
    gzip_sha256        text
);

-- Temporal's workflow IDs keep exports one at a time; this index backs it up.
create unique index exports_one_active on satchel.exports (account_sid)
    where status in ('pending', 'confirmed', 'processing');
create index exports_of_account on satchel.exports (account_sid, requested_at desc, id);
create index exports_unended on satchel.exports (status, requested_at)
    where status in ('pending', 'confirmed', 'processing', 'completed');

-- Removal deletes this row first: from then on the export's objects cannot be read, wherever copies may be.
create table satchel.export_keys (
    export_id  text primary key references satchel.exports (id),
    wrapped    bytea not null,
    created_at timestamptz not null default now()
);

create table satchel.categories (
    export_id        text not null references satchel.exports (id),
    category         text not null,
    status           text not null check (status in ('waiting', 'reading', 'done')),
    expected_records bigint,
    records          bigint not null default 0,
    bytes            bigint not null default 0,
    pieces           integer not null default 0,    -- how many are in the ledger
    last_key         text not null default '',      -- of the last of them
    read_at          timestamptz,                   -- of the oldest snapshot the section was read in
    primary key (export_id, category)
);

-- The ledger. A piece counts only if it has a row here, and it is added only after the last key that its
-- category's row names, so two collectors alive at once can neither lose a record nor write one twice.
create table satchel.pieces (
    export_id  text not null references satchel.exports (id),
    category   text not null,
    seq        integer not null,
    object_key text not null,
    records    bigint not null,
    text_bytes bigint not null,
    gzip_bytes bigint not null,
    sha256     text not null,                       -- hex, of the deflate stream inside the seal
    first_key  text not null,
    last_key   text not null,
    read_at    timestamptz not null,
    primary key (export_id, category, seq)
);

-- Each attempt to assemble the archive writes its own rows; only those of the completed one are read.
create table satchel.segments (
    export_id   text not null references satchel.exports (id),
    object_key  text not null,
    text_offset bigint not null,
    gzip_offset bigint not null,
    primary key (export_id, object_key, text_offset)
);

create table satchel.audit (
    id          bigint generated always as identity primary key,
    at          timestamptz not null default clock_timestamp(),
    account_sid text not null,
    subject     text not null,                      -- what it was done to, such as an export
    actor       text not null,                      -- user ID, credential ID, or 'satchel'
    action      text not null,
    details     jsonb not null default '{}'
);
create index audit_of_subject on satchel.audit (subject, action, at);

-- +goose Down
drop schema satchel cascade;
