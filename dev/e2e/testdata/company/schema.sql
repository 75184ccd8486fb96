-- A platform with other tables than the built-in one: other names and types, keys of type uuid and text.
create table customers (ref uuid primary key default gen_random_uuid(), ac text unique not null, title text not null, blocked boolean not null default false);
create table staff (login text primary key, us text unique not null, ac text not null references customers (ac), mail text not null, is_owner boolean not null);
create type kind as enum ('voice', 'video');
create table conversations (id text not null, ac text not null references customers (ac), kind kind not null, seconds interval not null, tags text[] not null, started timestamp not null, primary key (ac, id));
