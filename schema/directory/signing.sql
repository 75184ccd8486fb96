-- The auth token of account $1, sealed with the deployment's key. It signs the
-- account's webhooks. Null if none is stored.
select a.auth_token_sealed as sealed
from platform.accounts a
where a.sid = $1
