-- Charges $2 to $3 of account $1.
insert into platform.charges (
    id, sid, account_sid, description, category, resource_sid, quantity, unit, unit_price, amount, tax, currency, period_start, period_end,
    invoice_number, status, card_brand, card_last4, charged_at, created_at, payment_method_token, processor_response, wholesale_amount
) overriding system value
select
    $4::bigint + n, 'CH' || m, $1, 'Voice minutes', 'calls', 'CA' || lpad(to_hex(n), 8, '0') || left(md5($1 || ':calls:' || n), 24), 1 + n % 15, 'minute', 0.0075, 0.0075 * (1 + n % 15), 0.0014, 'USD',
    date '2024-01-01' + (n / 1000 % 700)::int, date '2024-01-01' + (n / 1000 % 700)::int, 'INV-' || n / 1000, 'paid', 'visa', lpad((n % 10000)::text, 4, '0'),
    timestamptz '2024-01-01 00:00:00+00' + n * interval '1 second', timestamptz '2024-01-01 00:00:00+00' + n * interval '1 second',
    'pm_' || reverse(m), jsonb_build_object('id', reverse(m)), 0.0031
from generate_series($2::bigint, $3::bigint) n, lateral (select md5($1 || ':charges:' || n) as m offset 0) x
