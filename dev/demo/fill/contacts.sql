-- Contacts $2 to $3 of account $1.
insert into platform.contacts (
    id, sid, account_sid, name, given_name, family_name, phone, email, company, address, birthday, language, timezone, tags, custom_fields,
    do_not_call, consented_at, lead_score, lifetime_value, photo_thumbnail, notes, created_at, updated_at, portal_token
) overriding system value
select
    $4::bigint + n, 'CT' || m, $1, given || ' ' || family, given, family,
    '+1555' || lpad((n * 15485863 % 10000000)::text, 7, '0'), 'contact.' || n || '@example.com',
    case when n % 3 = 0 then 'Company ' || n % 500 end,
    jsonb_build_object('street', n % 300 || ' Harbour Street', 'city', 'Port ' || n % 40, 'postalCode', lpad((n % 100000)::text, 5, '0')),
    date '1950-01-01' + (n % 20000)::int, (array['en', 'de', 'es', 'ja'])[1 + n % 4], 'Europe/Berlin',
    array['list-' || n % 12], jsonb_build_object('customerNo', n, 'vip', n % 50 = 0),
    n % 40 = 0, timestamptz '2023-05-01 00:00:00+00' + n * interval '1 second',
    n % 1000 / 7.0::float8, n % 100000 / 100.0, case when n % 20 = 0 then decode(m, 'hex') end,
    'Prefers to be called in the ' || (array['morning', 'evening'])[1 + n % 2],
    timestamptz '2023-05-01 00:00:00+00' + n * interval '1 second', timestamptz '2023-06-01 00:00:00+00' + n * interval '1 second',
    'portal_' || reverse(m)
from generate_series($2::bigint, $3::bigint) n,
    lateral (select md5($1 || ':contacts:' || n) as m,
        (array['Ada', 'José', 'Zoë', '花子', 'Мария', 'Brendan', 'Løve'])[1 + n % 7] as given,
        (array['Quill', 'Niño', 'Ørsted', '山田', 'Ветрова', 'O''Hara'])[1 + n % 6] || n % 89 as family offset 0) x
