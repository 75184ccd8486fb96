-- This company has no credentials for HTTP Basic.
select c.ac as account_sid, '' as user_id, 'member' as role, ''::bytea as secret_sha256, true as suspended from customers c where c.ac = $1 and false
