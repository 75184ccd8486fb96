-- Participants of account $1: $3 of them on each of the days $2. Three by three they
-- join the conferences of the day, each by the call of its own number, at the
-- same moment where there are three times as many of them as of conferences.
insert into platform.participants (
    sid, account_sid, conference_sid, call_sid, call_sid_to_coach, label, coaching, muted, hold, start_conference_on_enter,
    end_conference_on_exit, status, date_created, date_updated, queue_time, join_token, media_server
)
select
    'PA' || lpad(to_hex(d), 4, '0') || lpad(to_hex(n), 8, '0') || left(md5($1 || ':participants:' || d || ':' || n), 20),
    $1, 'CF' || lpad(to_hex(d), 4, '0') || lpad(to_hex(c), 8, '0') || left(md5($1 || ':conferences:' || d || ':' || c), 20),
    'CA' || lpad(to_hex(d), 4, '0') || lpad(to_hex(n), 8, '0') || left(md5($1 || ':day calls:' || d || ':' || n), 20),
    case when n % 9 = 3 then 'CA' || lpad(to_hex(d), 4, '0') || lpad(to_hex(n - 2), 8, '0') || left(md5($1 || ':day calls:' || d || ':' || n - 2), 20) end,
    'Guest "' || n || '" 🎧', n % 9 = 3, n % 5 = 0, n % 11 = 0, n % 3 = 1, n % 3 = 0, case when n % 10 = 9 then 'failed' else 'complete' end,
    at, case when n % 10 <> 9 then at + interval '24 minutes' end, case when n % 4 > 0 then n * 13 % 5000 end, 'join_' || n, 'mixer-1'
from (
    select d, have + i as n, 1 + (have + i - 1) / 3 as c, at + make_interval(secs => 86400.0 * ((i - 1) / 3 * 3) / rows) as at
    from (
        select day - date '1970-01-01' as d, rows, day::timestamp at time zone 'UTC' as at, (
            select count(*) from platform.participants p
            where p.account_sid = $1 and p.date_created >= day::timestamp at time zone 'UTC' and p.date_created < (day + 1)::timestamp at time zone 'UTC'
        ) as have
        from unnest($2::date[], $3::bigint[]) t (day, rows)
        offset 0
    ) wanted, generate_series(1, rows) i
    offset 0
) x
