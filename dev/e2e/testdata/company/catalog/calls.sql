-- Conversations are what this company calls calls.
select
    c.id as _key,
    c.id as "id", -- ID of the conversation
    c.kind as "kind", -- voice or video
    c.seconds as "length", -- how long it was
    c.tags as "tags", -- labels
    c.started at time zone 'UTC' as "startedAt" -- when it began
from conversations c
where c.ac = $1
