-- The UTC day on which call $2 of account $1 was made, whether it is still among
-- the calls or only in their archive.
select to_char(c.date_created at time zone 'UTC', 'YYYY-MM-DD') as day
from platform.calls c
where c.account_sid = $1 and c.sid = $2
union all
select to_char(o.date_created at time zone 'UTC', 'YYYY-MM-DD')
from platform.calls_archive o
where o.account_sid = $1 and o.sid = $2
