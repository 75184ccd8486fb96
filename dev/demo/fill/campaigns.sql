-- Campaigns $2 to $3 of account $1.
insert into platform.campaigns (
    id, sid, account_sid, name, status, flow_sid, call_schedule_sid, phone_number_sid, audience, script, daily_limit, budget, spent, answer_rate,
    starts_at, ends_at, created_at, updated_at, dialer_state
) overriding system value
select
    $4::bigint + n, 'CM' || m, $1, 'Campaign ' || n, (array['draft', 'running', 'paused', 'finished'])[1 + n % 4], 'FW' || md5($1 || ':flows:' || 1 + n % 5),
    'CS' || md5($1 || ':callSchedules:' || 1 + n % 3), 'PN' || md5($1 || ':phoneNumbers:' || 1 + n % 20),
    jsonb_build_object('tags', jsonb_build_array('list-' || n % 12), 'except', '[]'::jsonb), 'Hello, this is campaign ' || n || '.',
    500, 1000, n % 1000, case when n % 4 = 0 then 'NaN' else n % 100 / 100.0::float8 end,
    timestamptz '2025-01-01 00:00:00+00' + n * interval '1 hour', timestamptz '2025-02-01 00:00:00+00' + n * interval '1 hour',
    timestamptz '2024-12-01 00:00:00+00' + n * interval '1 hour', timestamptz '2024-12-02 00:00:00+00' + n * interval '1 hour', '{"cursor": 0}'
from generate_series($2::bigint, $3::bigint) n, lateral (select md5($1 || ':campaigns:' || n) as m offset 0) x
