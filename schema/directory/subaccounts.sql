-- The subaccounts of account $1, oldest first.
select
    a.sid as id,
    a.name,
    a.parent_sid as parent,
    a.suspended or a.status <> 'active' as suspended
from platform.accounts a
where a.parent_sid = $1
order by a.id
