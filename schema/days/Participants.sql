-- Who took part in conferences of account $1, by when they joined: from $2 up to,
-- not including, $3. Left out of each participant: its label, what lets it in
-- again, and the machine it was connected to.
select
    p.date_created as _at,
    p.sid collate "C" as _key,
    p.account_sid as "account_sid", -- ID of the account
    p.call_sid as "call_sid", -- ID of the participant's call
    p.conference_sid as "conference_sid", -- ID of the conference
    p.call_sid_to_coach as "call_sid_to_coach", -- ID of the call it coaches
    p.coaching as "coaching", -- whether it coaches another call
    p.muted as "muted", -- whether it cannot be heard
    p.hold as "hold", -- whether it is on hold
    p.start_conference_on_enter as "start_conference_on_enter", -- whether the conference begins when it joins
    p.end_conference_on_exit as "end_conference_on_exit", -- whether the conference ends when it leaves
    p.status as "status", -- how its call stands
    to_char(p.date_created at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "date_created", -- when it joined
    to_char(p.date_updated at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "date_updated", -- when it last changed
    p.queue_time::text as "queue_time" -- milliseconds its call waited to be placed
from platform.participants p
where p.account_sid = $1 and p.date_created >= $2 and p.date_created < $3
