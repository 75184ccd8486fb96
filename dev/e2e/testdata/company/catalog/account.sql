-- The customer.
select
    c.ref as _key,
    c.ac as "id", -- ID of the customer
    c.title as "title" -- what the customer is called
from customers c
where c.ac = $1
