-- Fails on purpose where a title is no number: Postgres' own error would say it.
select
    c.ref as _key,
    case when c.title like 'poison%' then c.title::int end as "number" -- the title as a number
from customers c
where c.ac = $1
