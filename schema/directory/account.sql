-- The account $1: what it is called, whose subaccount it is ('' if nobody's),
-- and whether it may do anything now.
select
    a.sid as id,
    a.name,
    coalesce(a.parent_sid, '') as parent,
    a.suspended or a.status <> 'active' as suspended
from platform.accounts a
where a.sid = $1
