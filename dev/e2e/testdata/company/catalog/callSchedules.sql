-- This company has none.
select
    c.ref as _key,
    c.title as "title" -- what the customer is called
from customers c
where c.ac = $1 and false
