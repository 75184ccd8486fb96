-- The conferences of account $1 from $2 up to, not including, $3. Left out of each
-- conference: what opens it, and the machine it ran on.
select
    c.date_created as _at,
    c.sid collate "C" as _key,
    c.sid as "sid", -- ID of the conference
    c.account_sid as "account_sid", -- ID of the account
    c.friendly_name as "friendly_name", -- its name
    c.region as "region", -- where its sound was mixed
    c.status as "status", -- init, in-progress or completed
    to_char(c.date_created at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "date_created", -- when the conference was made
    to_char(c.date_updated at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "date_updated", -- when it last changed
    c.reason_conference_ended as "reason_conference_ended", -- what ended it
    c.call_sid_ending_conference as "call_sid_ending_conference" -- ID of the call that ended it
from platform.conferences c
where c.account_sid = $1 and c.date_created >= $2 and c.date_created < $3
