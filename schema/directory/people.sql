-- The people of account $1 who may sign in. Their roles decide who may request
-- and confirm exports, and who is notified of them. Invited and deactivated
-- people are left out. Emails give times in the time zone; the column may be left
-- out, or be null.
select
    u.sid as id,
    u.account_sid,
    u.email,
    coalesce(nullif(u.name, ''), u.email) as name,
    u.role,
    u.timezone
from platform.users u
where u.account_sid = $1 and u.status = 'active'
order by u.id
