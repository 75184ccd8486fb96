-- Call schedules $2 to $3 of account $1.
insert into platform.call_schedules (
    id, sid, account_sid, name, timezone, opens_at, closes_at, holidays, retry_after, created_at, updated_at, next_run_at, dispatcher
) overriding system value
select
    $4::bigint + n, 'CS' || m, $1, 'Hours ' || n, 'America/New_York', time '08:00' + n % 120 * interval '1 minute', '18:00', '{2026-12-25,2027-01-01}', '2 hours',
    timestamptz '2023-01-01 00:00:00+00' + n * interval '1 minute', timestamptz '2023-01-02 00:00:00+00' + n * interval '1 minute',
    timestamptz '2027-01-04 13:00:00+00' + n * interval '1 minute', 'dispatcher-' || n % 4
from generate_series($2::bigint, $3::bigint) n, lateral (select md5($1 || ':callSchedules:' || n) as m offset 0) x
