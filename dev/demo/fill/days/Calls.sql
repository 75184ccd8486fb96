-- Calls of account $1: $3 of them on each of the days $2, evenly over the day, two
-- at a time. They are written to the calls or, where the days are old, to their
-- archive, which numbers its rows as the calls do.
insert into platform.calls (
    id, sid, account_sid, phone_number_sid, flow_sid, from_number, from_formatted, to_number, to_formatted, caller_name, forwarded_from,
    direction, status, answered_by, date_created, date_updated, start_time, end_time, duration, price, price_unit, quality_score,
    tags, metadata, sip_headers, queue_time, group_sid, trunk_sid, recording_token, carrier_route, carrier_cost
) overriding system value
select
    nextval('platform.calls_id_seq'),
    'CA' || lpad(to_hex(d), 4, '0') || lpad(to_hex(n), 8, '0') || left(md5($1 || ':day calls:' || d || ':' || n), 20),
    $1, 'PN' || md5($1 || ':phoneNumbers:' || 1 + n % 20), 'FW' || md5($1 || ':flows:' || 1 + n % 5),
    '+1555' || one, '(555) ' || one / 10000 || '-' || lpad((one % 10000)::text, 4, '0'), '+1555' || other, '(555) ' || other / 10000 || '-' || lpad((other % 10000)::text, 4, '0'),
    case when n % 9 > 0 then (array['Ada Quill', 'José Niño', 'Zoë Ørsted', '山田 花子', 'Мария Ветрова', 'B. O''Hara', 'Line "2" 📞'])[1 + n % 7] || ' ' || n end,
    case when n % 25 = 0 then '+15550100009' end,
    (array['inbound', 'outbound-dial', 'outbound-api'])[1 + n % 3], status, case n % 4 when 0 then 'human' when 1 then 'machine' end,
    at, at + interval '20 minutes', case when duration > 0 then at + interval '4.25 seconds' end,
    at + interval '4.25 seconds' + duration * interval '1 second', duration,
    case when n % 7 > 0 then -0.00750 * (1 + duration / 60) end, 'USD', case when duration > 0 then 1 + n % 350 / 100.0::float8 else 'NaN' end,
    array['queue-' || n % 8], jsonb_build_object('ticket', n), '{"X-Twice": 1, "X-Twice": 2}', case when n % 3 > 0 then n % 4000 end,
    case when n % 6 = 0 then 'GP' || md5($1 || ':group:' || n % 5) end, case when n % 5 = 0 then 'TK' || md5($1 || ':trunk') end, 'rec_' || n, 'route-1', 0.0031
from (
    select d, have + i as n, at + make_interval(secs => 86400.0 * ((i - 1) / 2 * 2) / rows) as at,
        1000000 + (have + i) * 7919 % 9000000 as one, 1000000 + (have + i) * 104729 % 9000000 as other,
        case when (have + i) % 10 < 7 then 'completed' else (array['busy', 'no-answer', 'failed', 'canceled'])[1 + (have + i) % 4] end as status,
        case when (have + i) % 10 < 7 then (7 + (have + i) * 37 % 900)::integer else 0 end as duration
    from (
        select day - date '1970-01-01' as d, rows, day::timestamp at time zone 'UTC' as at, (
            select count(*) from platform.calls c
            where c.account_sid = $1 and c.date_created >= day::timestamp at time zone 'UTC' and c.date_created < (day + 1)::timestamp at time zone 'UTC'
        ) as have
        from unnest($2::date[], $3::bigint[]) t (day, rows)
        offset 0
    ) wanted, generate_series(1, rows) i
    offset 0
) x
