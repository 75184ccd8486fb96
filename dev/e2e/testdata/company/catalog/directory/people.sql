-- The role follows from is_owner.
select s.us as id, s.ac as account_sid, s.mail as email, s.login as name, case when s.is_owner then 'owner' else 'member' end as role from staff s where s.ac = $1
