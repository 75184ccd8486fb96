-- An e-mail that was sent must not be sent again: the provider deduplicates for a day at most, and an account's
-- e-mails may take many attempts if it limits how fast we send. This table records the outcome for good. It
-- names e-mails by kind, person's ID and link version, and holds no address.
--
-- Sweep and metrics count exports by status, ended ones too, so their index now holds all of them.

-- +goose Up
create table satchel.emails (
    export_id text not null references satchel.exports (id),
    email_key text not null,                        -- kind/person/link version
    sent      boolean not null,                     -- false: the provider rejected it for good
    at        timestamptz not null default clock_timestamp(),
    primary key (export_id, email_key)
);

create index exports_by_status on satchel.exports (status, requested_at);
drop index satchel.exports_unended;

-- +goose Down
create index exports_unended on satchel.exports (status, requested_at)
    where status in ('pending', 'confirmed', 'processing', 'completed');
drop index satchel.exports_by_status;
drop table satchel.emails;
