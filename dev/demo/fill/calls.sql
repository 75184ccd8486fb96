-- Calls $2 to $3 of account $1: about two per minute, most of them answered, none
-- scrubbed. Values that are slow to compute are computed for a thousand calls and
-- repeat after those, further apart than the window of gzip. IDs begin with the number
-- of the call, so that the index on them grows at its end.
with pattern as materialized (
    select
        p,
        'PN' || md5($1 || ':phoneNumbers:' || 1 + p % 20) as phone_number_sid,
        'FW' || md5($1 || ':flows:' || 1 + p % 5) as flow_sid,
        case when p % 3 = 0 then 'CM' || md5($1 || ':campaigns:' || 1 + p % 7) end as campaign_sid,
        case when p % 12 = 0 then 'CA' || lpad(to_hex(1 + p), 8, '0') || left(md5($1 || ':calls:' || 1 + p), 24) end as parent_call_sid,
        case when p % 25 = 0 then '+1555' || 1000000 + p * 31 end as forwarded_from,
        case when p % 9 <> 0 then
            (array['Ada Quill', 'José Niño', 'Zoë Ørsted', '山田 花子', 'Мария Ветрова', 'B. O''Hara', 'Line "2" 📞'])[1 + p % 7] || ' ' || p
        end as caller_name,
        (array['inbound', 'outbound-dial', 'outbound-api'])[1 + p % 3] as direction,
        case when p % 10 < 7 then 'completed' else (array['busy', 'no-answer', 'failed', 'canceled'])[1 + p % 4] end as status,
        case p % 4 when 0 then 'human' when 1 then 'machine' end as answered_by,
        case when p % 10 < 7 then interval '4.25 seconds' end as rang,
        case when p % 10 < 7 then p else 0 end as duration,
        -0.0075 * (1 + p / 60) as price,
        case when p % 10 < 7 then 1 + p % 350 / 100.0::float8 else 'NaN' end as quality_score,
        case p % 5 when 0 then null when 1 then '{}'::text[] else array['queue-' || p % 8, 'priority'] end as tags,
        jsonb_build_object(
            'ticket', p * 17, 'agent', 'agent-' || p % 250, 'topic', (array['billing', 'delivery', 'returns', 'other'])[1 + p % 4],
            'survey', jsonb_build_object('score', p % 11, 'note', 'Called about order ' || md5('order' || p))) as metadata,
        ('{"Call-ID": "' || md5('call' || p) || '@sip.example.com", "User-Agent": "Softphone/' || p % 7 || '.2", '
            || '"P-Asserted-Identity": "<sip:+1555' || 1000000 + p * 7919 || '@sip.example.com>", "X-Branch": ' || p % 100 || '}')::json as sip_headers
    from generate_series(0, 999) p
)
insert into platform.calls (
    id, sid, account_sid, parent_call_sid, phone_number_sid, flow_sid, campaign_sid, from_number, to_number, forwarded_from, caller_name,
    direction, status, answered_by, date_created, date_updated, start_time, end_time, duration, price, price_unit, quality_score,
    tags, metadata, sip_headers, recording_token, carrier_route, carrier_cost
) overriding system value
select
    $4::bigint + n,
    'CA' || lpad(to_hex(n), 8, '0') || left(md5($1 || ':calls:' || n), 24),
    $1, parent_call_sid, phone_number_sid, flow_sid, campaign_sid,
    '+1555' || 1000000 + n * 7919 % 9000000, '+1555' || 1000000 + n * 104729 % 9000000, forwarded_from, caller_name,
    direction, status, answered_by, created_at, created_at + interval '20 minutes', created_at + rang, created_at + rang + duration * interval '1 second', duration,
    price, 'USD', quality_score, tags, metadata, sip_headers, 'rec_' || n, 'route-1', 0.0031
from (
    select n, timestamptz '2024-01-01 00:00:00+00' + n % 2000000 * interval '31.415926 seconds' as created_at
    from generate_series($2::bigint, $3::bigint) n
    offset 0
) x
join pattern on p = n % 1000
