-- Balance transactions $2 to $3 of account $1.
insert into platform.balance_transactions (
    id, sid, account_sid, kind, amount, balance_after, currency, charge_sid, description, reference, created_at, ledger_entry
) overriding system value
select
    $4::bigint + n, 'BT' || m, $1, case when n % 100 = 0 then 'top-up' else 'charge' end, case when n % 100 = 0 then 50 else -0.0075 * (1 + n % 15) end,
    50 - n % 100 * 0.06, 'USD', case when n % 100 <> 0 then 'CH' || md5($1 || ':charges:' || n) end, 'Movement ' || n,
    case when n % 100 = 0 then 'PO-' || n end, timestamptz '2024-01-01 00:00:00+00' + n * interval '1 second', m::uuid
from generate_series($2::bigint, $3::bigint) n, lateral (select md5($1 || ':balanceTransactions:' || n) as m offset 0) x
