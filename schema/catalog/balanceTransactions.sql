-- Every change of the account's balance. Left out: references to our own
-- bookkeeping.
select
    b.id as _key,
    b.sid as "sid", -- ID of the movement
    b.kind as "kind", -- top-up, charge, refund, adjustment or promotion
    b.amount as "amount", -- change; negative is money taken
    b.balance_after as "balanceAfter", -- balance after it
    b.currency as "currency", -- ISO 4217 code of both
    b.charge_sid as "chargeSid", -- ID of the charge it paid
    b.description as "description", -- what it was for
    b.reference as "reference", -- reference given by the payer
    b.created_by as "createdBy", -- ID of the user who caused it
    b.created_at as "createdAt" -- when it happened
from platform.balance_transactions b
where b.account_sid = $1
