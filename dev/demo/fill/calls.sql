-- Calls $2 to $3 of account $1: about two a minute, most of them answered.
insert into platform.calls (
    sid, account_sid, parent_call_sid, phone_number_sid, flow_sid, campaign_sid, from_number, to_number, forwarded_from, caller_name,
    direction, status, answered_by, date_created, date_updated, start_time, end_time, duration, price, price_unit, quality_score,
    tags, metadata, sip_headers, recording_token, carrier_route, carrier_cost)
select
    'CA' || m, $1,
    case when n % 12 = 0 then 'CA' || reverse(m) end,
    'PN' || md5($1 || ':phoneNumbers:' || 1 + n % 20),
    'FW' || md5($1 || ':flows:' || 1 + n % 5),
    case when n % 3 = 0 then 'CM' || md5($1 || ':campaigns:' || 1 + n % 7) end,
    '+1555' || lpad((n * 7919 % 10000000)::text, 7, '0'),
    '+1555' || lpad((n * 104729 % 10000000)::text, 7, '0'),
    case when n % 25 = 0 then '+1555' || lpad((n * 31 % 10000000)::text, 7, '0') end,
    case when n % 9 <> 0 then (array['Ada Quill', 'José Niño', 'Zoë Ørsted', '山田 花子', 'Мария Ветрова', 'B. O''Hara', 'Line "2" 📞'])[1 + n % 7] || ' ' || n % 997 end,
    case n % 3 when 0 then 'outbound-api' when 1 then 'inbound' else 'outbound-dial' end,
    case when n % 10 < 7 then 'completed' else (array['busy', 'no-answer', 'failed', 'canceled'])[1 + n % 4] end,
    case when n % 4 = 0 then 'human' when n % 4 = 1 then 'machine' end,
    at, at + interval '3 minutes',
    case when n % 10 < 7 then at + interval '4.25 seconds' end,
    case when n % 10 < 7 then at + interval '4.25 seconds' + n % 900 * interval '1 second' end,
    case when n % 10 < 7 then n % 900 else 0 end,
    -0.0075 * (1 + n % 900 / 60), 'USD',
    case when n % 10 < 7 then 1 + n % 350 / 100.0::float8 else 'NaN' end,
    case n % 5 when 0 then null when 1 then '{}'::text[] else array['queue-' || n % 8, 'priority'] end,
    jsonb_build_object('ticket', n * 17, 'agent', 'agent-' || n % 250, 'topic', (array['billing', 'delivery', 'returns', 'other'])[1 + n % 4],
        'survey', jsonb_build_object('score', n % 11, 'note', 'Called about order ' || m)),
    ('{"Call-ID": "' || m || '@sip.example.com", "User-Agent": "Softphone/' || n % 7 || '.2", "P-Asserted-Identity": "<sip:+1555'
        || lpad((n * 7919 % 10000000)::text, 7, '0') || '@sip.example.com>", "X-Branch": ' || n % 100 || '}')::json,
    'rec_' || reverse(m), 'route-' || n % 13, 0.0031
from generate_series($2::bigint, $3::bigint) n,
    lateral (select md5($1 || ':calls:' || n) as m,
        timestamptz '2024-01-01 00:00:00+00' + n % 2000000 * interval '31.415926 seconds' as at) x
