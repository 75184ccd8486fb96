-- The customer.
select c.ac as id, c.title as name, '' as parent, c.blocked as suspended from customers c where c.ac = $1
