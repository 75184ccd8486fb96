-- What HTTP Basic authentication with user name $1 is checked against: an
-- account SID stands for the account itself, an API key for its user, with that
-- user's role for as long as the user is active. Only the SHA-256 of a secret is
-- read, and only here.
select
    a.sid as account_sid,
    '' as user_id,
    'owner' as role,
    a.auth_token_sha256 as secret_sha256,
    a.suspended or a.status <> 'active' as suspended
from platform.accounts a
where a.sid = $1
union all
select
    a.sid,
    u.sid,
    u.role,
    k.secret_sha256,
    a.suspended or a.status <> 'active'
from platform.api_keys k
join platform.users u on u.sid = k.user_sid and u.account_sid = k.account_sid
join platform.accounts a on a.sid = k.account_sid
where k.sid = $1 and k.revoked_at is null and u.status = 'active'
