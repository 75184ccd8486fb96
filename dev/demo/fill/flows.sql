-- Flows $2 to $3 of account $1.
insert into platform.flows (
    id, sid, account_sid, name, status, version, definition, fingerprint, published_at, created_at, updated_at, webhook_secret, compiled
) overriding system value
select
    $4::bigint + n, 'FW' || m, $1, 'Flow ' || n, (array['published', 'draft', 'archived'])[1 + n % 3], 1 + n % 9,
    ('{"start": "greet", "steps": [{"id": "greet", "say": "Welcome, caller ' || n || '", "next": "menu"}, {"id": "menu", "gather": {"digits": 1}}]}')::json,
    decode(m, 'hex'), timestamptz '2024-01-01 00:00:00+00' + n * interval '1 minute',
    timestamptz '2023-01-01 00:00:00+00' + n * interval '1 minute', timestamptz '2024-01-01 00:00:00+00' + n * interval '1 minute',
    'whsec_' || reverse(m), decode(reverse(m), 'hex')
from generate_series($2::bigint, $3::bigint) n, lateral (select md5($1 || ':flows:' || n) as m offset 0) x
