-- The messages of account $1 from $2 up to, not including, $3. Left out of each
-- message: what it cost us and which way it went, what our filters made of it,
-- and the key to its media.
select
    m.date_created as _at,
    m.sid collate "C" as _key,
    m.sid as "sid", -- ID of the message
    m.account_sid as "account_sid", -- ID of the account
    m.messaging_service_sid as "messaging_service_sid", -- ID of the messaging service that sent it
    m.from_number as "from", -- who sent it
    m.to_number as "to", -- whom it was sent to
    m.body as "body", -- text of the message
    m.num_segments as "num_segments", -- SMS segments it took
    m.num_media as "num_media", -- media that came with it
    m.status as "status", -- how the message stands
    m.direction as "direction", -- inbound, outbound-api, outbound-call or outbound-reply
    to_char(m.date_created at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "date_created", -- when the message was made
    to_char(m.date_sent at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "date_sent", -- when it was sent
    to_char(m.date_updated at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "date_updated", -- when it last changed
    case when m.price::text !~ '[a-z]' then m.price::text end as "price", -- what it cost; none where it has no price yet
    nullif(m.error_code, 0) as "error_code" -- what went wrong, if anything
from platform.messages m
where m.account_sid = $1 and m.date_created >= $2 and m.date_created < $3
