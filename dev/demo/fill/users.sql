-- Users $2 to $3 of account $1: all are members, who get no e-mails about exports.
insert into platform.users (
    id, sid, account_sid, email, name, phone, role, title, last_sign_in_at, last_sign_in_ip, created_at, updated_at,
    password_hash, mfa_enabled, mfa_secret, mfa_recovery_codes
) overriding system value
select
    $4::bigint + n, 'US' || m, $1, 'member.' || m || '@example.com', 'Member ' || n, '+1555' || lpad((n * 6151 % 10000000)::text, 7, '0'), 'member', 'Agent',
    timestamptz '2025-01-01 00:00:00+00' + n * interval '1 second', ('192.0.2.' || n % 255)::inet,
    timestamptz '2023-01-01 00:00:00+00' + n * interval '1 second', timestamptz '2023-02-01 00:00:00+00' + n * interval '1 second',
    '$2a$12$' || reverse(m), true, upper(reverse(m)), array[left(reverse(m), 8), right(m, 8)]
from generate_series($2::bigint, $3::bigint) n, lateral (select md5($1 || ':users:' || n) as m offset 0) x
