-- A letter that is out must not go out again: the provider remembers that for a day at most, and an account's
-- letters may take many attempts where it limits how fast we send. This table remembers it for good. It
-- names letters by kind, person's ID and generation, and knows no address.
--
-- Sweep and metrics count exports by status, ended ones too, so their index now holds all of them.

-- +goose Up
create table satchel.letters (
    export_id text not null references satchel.exports (id),
    letter    text not null,                        -- kind/person/generation
    sent      boolean not null,                     -- false: the provider will never take it
    at        timestamptz not null default clock_timestamp(),
    primary key (export_id, letter)
);

create index exports_by_status on satchel.exports (status, requested_at);
drop index satchel.exports_unended;

-- +goose Down
create index exports_unended on satchel.exports (status, requested_at)
    where status in ('pending', 'confirmed', 'processing', 'completed');
drop index satchel.exports_by_status;
drop table satchel.letters;
