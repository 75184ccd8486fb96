-- The people that the development sign-in offers: the person $1, or for '' a few
-- people of each of the first accounts.
select u.sid as id, u.account_sid, u.email, u.name, u.role
from platform.users u
where u.sid = $1 and u.status = 'active'
union all
(select u.sid, u.account_sid, u.email, u.name, u.role
from (select a.id, a.sid from platform.accounts a where $1 = '' order by a.id limit 200) a
cross join lateral (
    select u.* from platform.users u
    where u.account_sid = a.sid and u.status = 'active'
    order by u.id limit 6
) u
order by a.id, u.id)
