-- The calls of account $1 from $2 up to, not including, $3, those in the archive
-- of old calls included, without those in $4, which were erased. A call whose
-- personal data was scrubbed is left out whole. Left out of each call: the key to
-- its recording, and what the call cost us and which way it went.
select
    c.date_created as _at,
    c.sid collate "C" as _key,
    c.sid as "sid", -- ID of the call
    c.account_sid as "account_sid", -- ID of the account
    c.parent_call_sid as "parent_call_sid", -- ID of the call that made this one
    c.from_number as "from", -- who called: E.164 number, client or SIP address
    c.from_formatted as "from_formatted", -- the same, as people write it
    c.to_number as "to", -- who was called: E.164 number, client or SIP address
    c.to_formatted as "to_formatted", -- the same, as people write it
    c.phone_number_sid as "phone_number_sid", -- ID of the account's number the call used
    c.status as "status", -- how the call stands or ended
    c.direction as "direction", -- inbound, outbound-api, outbound-dial or trunking
    to_char(c.date_created at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "date_created", -- when the call was asked for
    to_char(c.date_updated at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "date_updated", -- when the call last changed
    to_char(c.start_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "start_time", -- when the call was answered
    to_char(c.end_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "end_time", -- when the call ended
    c.duration::text as "duration", -- length in seconds
    case when c.price::text !~ '[a-z]' then c.price::text end as "price", -- what it cost; none where it has no price yet
    c.price_unit as "price_unit", -- ISO 4217 code of the price
    c.answered_by as "answered_by", -- human, machine or fax, where it was looked for
    c.forwarded_from as "forwarded_from", -- number the call was forwarded from
    c.caller_name as "caller_name", -- name the caller's carrier gave
    c.api_version as "api_version", -- version of the API that made it
    c.group_sid as "group_sid", -- ID of the group of calls it belongs to
    c.queue_time::text as "queue_time", -- milliseconds it waited to be placed
    c.trunk_sid as "trunk_sid" -- ID of the trunk it used
from ( -- unfiltered: with a filter in here Postgres sorts, instead of merging along both indexes
    select
        pii_scrubbed_at, sid, account_sid, parent_call_sid, from_number, from_formatted, to_number, to_formatted,
        phone_number_sid, status, direction, date_created, date_updated, start_time, end_time, duration, price,
        price_unit, answered_by, forwarded_from, caller_name, api_version, group_sid, queue_time, trunk_sid, false as archived
    from platform.calls
    union all
    select
        pii_scrubbed_at, sid, account_sid, parent_call_sid, from_number, from_formatted, to_number, to_formatted,
        phone_number_sid, status, direction, date_created, date_updated, start_time, end_time, duration, price,
        price_unit, answered_by, forwarded_from, caller_name, api_version, group_sid, queue_time, trunk_sid, true
    from platform.calls_archive
) c
where c.account_sid = $1 and c.date_created >= $2 and c.date_created < $3
    and c.sid <> all ($4::text[]) and c.pii_scrubbed_at is null
    -- a call that is in both, while it moves or after a move that died, is the live one;
    -- exists (…) instead would make Postgres read all live calls first
    and (not c.archived or (select l.sid from platform.calls l where l.sid = c.sid) is null)
