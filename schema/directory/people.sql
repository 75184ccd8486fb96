-- The people of account $1 who may come in now: who asks for, confirms and
-- hears about exports is decided by their roles. Invited and deactivated people
-- are not among them.
select
    u.sid as id,
    u.account_sid,
    u.email,
    u.name,
    u.role
from platform.users u
where u.account_sid = $1 and u.status = 'active'
order by u.id
