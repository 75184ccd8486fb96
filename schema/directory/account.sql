-- The account $1: its name, its parent account ('' if it has none), and whether
-- it is suspended.
select
    a.sid as id,
    a.name,
    coalesce(a.parent_sid, '') as parent,
    a.suspended or a.status <> 'active' as suspended
from platform.accounts a
where a.sid = $1
