-- The auth token of account $1, as the deployment's key sealed it: what the
-- account's webhooks are signed with. Null where none is kept.
select a.auth_token_sealed as sealed
from platform.accounts a
where a.sid = $1
