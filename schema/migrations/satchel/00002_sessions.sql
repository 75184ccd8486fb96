-- Browser sessions: the token is stored only as a hash, so a copy of this table does not allow signing in.

-- +goose Up
create table satchel.sessions (
    token  text primary key,
    data   bytea not null,
    expiry timestamptz not null
);
create index sessions_by_expiry on satchel.sessions (expiry);

-- +goose Down
drop table satchel.sessions;
