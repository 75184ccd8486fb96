-- Worker and server must have the same LINK_KEY, deployment key and catalog. With different ones both start, and customers
-- find out: their links are dead, their files do not open. The worker records what it uses, and each program compares. No
-- row can be used to make a link or to open a key: values are a MAC, a constant that is encrypted, and a hash.

-- +goose Up
create table satchel.shared_settings (
    name    text not null check (name in ('link key', 'deployment key', 'catalog')),
    value   bytea not null,
    used_at timestamptz not null default clock_timestamp(), -- when a worker last started with it
    primary key (name, value)
);
-- A new catalog is an ordinary release, for which the old one is still in use. A new key is an operator's decision.
create unique index shared_settings_one_key on satchel.shared_settings (name) where name <> 'catalog';

-- +goose Down
drop table satchel.shared_settings;
