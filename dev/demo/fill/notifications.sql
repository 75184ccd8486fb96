-- Notifications $2 to $3 of account $1.
insert into platform.notifications (
    id, sid, account_sid, user_sid, channel, kind, destination, subject, body, data, severity, sent_at, read_at, created_at, push_device_token, provider_ref
) overriding system value
select
    $4::bigint + n, 'NO' || m, $1, 'US' || md5($1 || ':users:' || 1 + n % 10), (array['email', 'sms', 'push', 'in-app'])[1 + n % 4], 'balance.low',
    case when n % 4 = 0 then 'member.' || n % 10 || '@example.com' end, 'Your balance is low', 'Your balance fell below 10 USD. Notice ' || n || '.',
    jsonb_build_object('balance', n % 10, 'threshold', 10), n % 3, timestamptz '2024-01-01 00:00:00+00' + n * interval '1 minute',
    case when n % 2 = 0 then timestamptz '2024-01-01 01:00:00+00' + n * interval '1 minute' end,
    timestamptz '2024-01-01 00:00:00+00' + n * interval '1 minute', 'dev_' || reverse(m), 'ref_' || reverse(m)
from generate_series($2::bigint, $3::bigint) n, lateral (select md5($1 || ':notifications:' || n) as m offset 0) x
