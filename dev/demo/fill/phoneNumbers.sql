-- Phone numbers $2 to $3 of account $1.
insert into platform.phone_numbers (
    id, sid, account_sid, phone_number, friendly_name, country, kind, capabilities, flow_sid, monthly_price, price_unit, purchased_at, updated_at,
    porting_pin, carrier_cost
) overriding system value
select
    $4::bigint + n, 'PN' || m, $1, '+1555' || lpad((n * 7919 % 10000000)::text, 7, '0'), 'Line ' || n, 'US', (array['local', 'mobile', 'toll-free'])[1 + n % 3],
    '{"voice": true, "sms": true, "fax": false}', 'FW' || md5($1 || ':flows:' || 1 + n % 5), 1.15, 'USD',
    timestamptz '2023-01-01 00:00:00+00' + n * interval '1 minute', timestamptz '2023-01-02 00:00:00+00' + n * interval '1 minute',
    'pin' || right(m, 6), 0.4
from generate_series($2::bigint, $3::bigint) n, lateral (select md5($1 || ':phoneNumbers:' || n) as m offset 0) x
