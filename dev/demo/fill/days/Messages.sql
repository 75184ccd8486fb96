-- Messages of account $1: $3 of them on each of the days $2, evenly over the day,
-- two at a time. IDs begin with the day and the number of the message, so that
-- the indexes grow at their ends.
insert into platform.messages (
    sid, account_sid, messaging_service_sid, from_number, to_number, body, num_segments, num_media, status, direction,
    date_created, date_sent, date_updated, price, price_unit, error_code, error_message, media_token, content_scan, carrier_route, carrier_cost
)
select
    case when n % 20 = 7 then 'MM' else 'SM' end || lpad(to_hex(d), 4, '0') || lpad(to_hex(n), 8, '0') || left(md5($1 || ':messages:' || d || ':' || n), 20),
    $1, case when n % 4 = 0 then 'MG' || service end, '+1555' || 1000000 + n * 7919 % 9000000, '+49170' || 1000000 + n * 104729 % 9000000,
    (array['Your bread is ready', 'Grüß Gott, Ihr Termin ist um 9:30 😀', E'Line one\nline "two"\r\n\ttabbed', U&'before\2028after\2029end', '山田様、ありがとう', 'it''s \ / </script> &amp;', 'Мария: да', ''])[1 + n % 8]
        || case when n % 8 < 7 then ' ' || n else '' end,
    1 + n % 3, case when n % 20 = 7 then 1 + n % 2 else 0 end, status,
    case when status = 'received' then 'inbound' else (array['outbound-api', 'outbound-reply', 'outbound-call'])[1 + n % 3] end,
    at, case when status <> 'queued' then at + interval '1 second' end, case when status <> 'queued' then at + interval '4.2 seconds' end,
    case when n % 7 > 0 then -0.00750 * (1 + n % 3) end, 'USD',
    case when status = 'undelivered' then 30003 end, case when status = 'undelivered' then 'Unreachable' end,
    case when n % 20 = 7 then 'media_' || n end, '{"spam": 0.02}', 'route-1', 0.0031
from (
    select d, have + i as n, service, at + make_interval(secs => 86400.0 * ((i - 1) / 2 * 2) / rows) as at,
        (array['delivered', 'delivered', 'received', 'delivered', 'undelivered', 'received', 'sent', 'delivered', 'queued', 'received'])[1 + (have + i) % 10] as status
    from (
        select day - date '1970-01-01' as d, rows, md5($1 || ':service') as service, day::timestamp at time zone 'UTC' as at, (
            select count(*) from platform.messages m
            where m.account_sid = $1 and m.date_created >= day::timestamp at time zone 'UTC' and m.date_created < (day + 1)::timestamp at time zone 'UTC'
        ) as have
        from unnest($2::date[], $3::bigint[]) t (day, rows)
        offset 0
    ) wanted, generate_series(1, rows) i
    offset 0
) x
