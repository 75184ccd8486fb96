-- The customer's staff.
select
    s.login as _key,
    s.login as "login", -- what they sign in with
    s.mail as "mail", -- where mail reaches them
    s.is_owner as "isOwner" -- whether this person owns the account
from staff s
where s.ac = $1
