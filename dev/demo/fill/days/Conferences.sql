-- Conferences of account $1: $3 of them on each of the days $2, evenly over the day.
insert into platform.conferences (
    sid, account_sid, friendly_name, region, status, date_created, date_updated, reason_conference_ended, call_sid_ending_conference,
    moderator_pin, media_server
)
select
    'CF' || lpad(to_hex(d), 4, '0') || lpad(to_hex(n), 8, '0') || left(md5($1 || ':conferences:' || d || ':' || n), 20),
    $1, case when n % 6 > 0 then (array['Morning round', 'Stand-up ☕', 'Équipe "Nord"', '朝会', E'Sales\nReview'])[1 + n % 5] || ' ' || n end,
    (array['us1', 'de1', 'jp1', null])[1 + n % 4], case when n % 8 = 7 then 'in-progress' else 'completed' end,
    at, case when n % 8 <> 7 then at + interval '25 minutes' end,
    case when n % 8 <> 7 then (array['last-participant-left', 'conference-ended-via-api', 'participant-with-end-conference-on-exit-left',
        'participant-with-end-conference-on-exit-kicked', 'last-participant-kicked'])[1 + n % 5] end,
    case when n % 8 <> 7 and n % 5 in (0, 2) then 'CA' || lpad(to_hex(d), 4, '0') || lpad(to_hex(3 * n), 8, '0') || left(md5($1 || ':day calls:' || d || ':' || 3 * n), 20) end,
    'pin_' || n, 'mixer-1'
from (
    select d, have + i as n, at + make_interval(secs => 86400.0 * (i - 1) / rows) as at
    from (
        select day - date '1970-01-01' as d, rows, day::timestamp at time zone 'UTC' as at, (
            select count(*) from platform.conferences c
            where c.account_sid = $1 and c.date_created >= day::timestamp at time zone 'UTC' and c.date_created < (day + 1)::timestamp at time zone 'UTC'
        ) as have
        from unnest($2::date[], $3::bigint[]) t (day, rows)
        offset 0
    ) wanted, generate_series(1, rows) i
    offset 0
) x
