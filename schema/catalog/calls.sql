-- Every call of the account, with its personal data intact, those in the archive
-- of old calls included. A call whose personal data was scrubbed is left out
-- entirely: the rest of it is kept for our bookkeeping only. Left out of each call:
-- the key to its recording, signalling headers that authorize, and what the call cost
-- us and which way it went.
select
    c.id as _key,
    c.sid as "sid", -- ID of the call
    c.parent_call_sid as "parentCallSid", -- ID of the call that made this one
    c.phone_number_sid as "phoneNumberSid", -- ID of the account's number the call used
    c.flow_sid as "flowSid", -- ID of the flow that handled the call
    c.campaign_sid as "campaignSid", -- ID of the campaign that placed the call
    c.group_sid as "groupSid", -- ID of the group of calls it belongs to
    c.trunk_sid as "trunkSid", -- ID of the trunk the call used
    c.from_number as "from", -- who called: E.164 number, client or SIP address
    c.from_formatted as "fromFormatted", -- the same, as people write it
    c.to_number as "to", -- who was called: E.164 number, client or SIP address
    c.to_formatted as "toFormatted", -- the same, as people write it
    c.forwarded_from as "forwardedFrom", -- number the call was forwarded from
    c.caller_name as "callerName", -- name the caller's carrier gave
    c.direction as "direction", -- inbound, outbound-api, outbound-dial or trunking
    c.status as "status", -- how the call stands or ended
    c.answered_by as "answeredBy", -- human, machine or fax, where it was looked for
    c.date_created as "dateCreated", -- when the call was asked for
    c.date_updated as "dateUpdated", -- when the call last changed
    c.start_time as "startTime", -- when the call was answered
    c.end_time as "endTime", -- when the call ended
    c.duration as "duration", -- length in seconds
    c.queue_time as "queueTime", -- milliseconds the call waited to be placed
    c.price as "price", -- what the call cost; negative is money paid by the account
    c.price_unit as "priceUnit", -- ISO 4217 code of the price
    c.quality_score as "qualityScore", -- mean opinion score, NaN when nothing was heard
    c.tags as "tags", -- labels given by the account
    c.metadata as "metadata", -- what the account attached to the call
    case -- headers that authorize lose name and value; an escape may hide a letter of the word
        when c.sip_headers::text !~* 'authorization|\\u00' then c.sip_headers
        when regexp_replace(c.sip_headers::text, '"(proxy-)?authorization"\s*:\s*"([^"\\]|\\.)*"', '"left out": null', 'gi') !~* 'authorization|\\u00'
            then regexp_replace(c.sip_headers::text, '"(proxy-)?authorization"\s*:\s*"([^"\\]|\\.)*"', '"left out": null', 'gi')::json
    end as "sipHeaders" -- signalling headers as the carrier sent them, without those that authorize; null where these cannot be told apart
from ( -- unfiltered: only so does Postgres read both along their indexes, without sorting
    select
        account_sid, pii_scrubbed_at, id, sid, parent_call_sid, phone_number_sid, flow_sid, campaign_sid, group_sid,
        trunk_sid, from_number, from_formatted, to_number, to_formatted, forwarded_from, caller_name, direction,
        status, answered_by, date_created, date_updated, start_time, end_time, duration, queue_time, price,
        price_unit, quality_score, tags, metadata, sip_headers, false as archived
    from platform.calls
    union all
    select
        account_sid, pii_scrubbed_at, id, sid, parent_call_sid, phone_number_sid, flow_sid, campaign_sid, group_sid,
        trunk_sid, from_number, from_formatted, to_number, to_formatted, forwarded_from, caller_name, direction,
        status, answered_by, date_created, date_updated, start_time, end_time, duration, queue_time, price,
        price_unit, quality_score, tags, metadata, sip_headers, true
    from platform.calls_archive
) c
where c.account_sid = $1 and c.pii_scrubbed_at is null
    -- a call that is in both, while it moves or after a move that died, is the live one;
    -- exists (…) instead would make Postgres read all live calls first
    and (not c.archived or (select l.id from platform.calls l where l.id = c.id) is null)
