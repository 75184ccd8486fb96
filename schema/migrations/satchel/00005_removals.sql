-- A removal may take many attempts, by an export's own workflow and by the sweep, if storage is unavailable at times. From the
-- first attempt on, this row holds reason and actor and adds up what was deleted: the one certificate at the end covers
-- all attempts, and the sweep finds a removal whose workflow is lost. Exports that ended before this table existed have
-- their certificate already.
--
-- Metrics count exports that ended within a day, and need an index for it: counting all of them takes ever longer.

-- +goose Up
create table satchel.removals (
    export_id    text primary key references satchel.exports (id),
    reason       text not null,                     -- of the ending; a completed export gets it once this is certified
    actor        text not null,
    objects      integer not null default 0,
    versions     integer not null default 0,
    uploads      integer not null default 0,
    begun_at     timestamptz not null default clock_timestamp(),
    certified_at timestamptz
);
create index removals_uncertified on satchel.removals (begun_at) where certified_at is null;

insert into satchel.removals (export_id, reason, actor, objects, versions, uploads, begun_at, certified_at)
select distinct on (e.id) e.id, e.reason, a.actor, coalesce((a.details->>'objects')::integer, 0),
    coalesce((a.details->>'versions')::integer, 0), coalesce((a.details->>'uploads')::integer, 0), a.at, a.at
from satchel.exports e join satchel.audit a on a.subject = e.id and a.action = 'removed'
where e.status in ('expired', 'failed', 'cancelled')
order by e.id, a.id;

create index exports_ended on satchel.exports (status, ended_at) where ended_at is not null;

-- +goose Down
drop index satchel.exports_ended;
drop table satchel.removals;
