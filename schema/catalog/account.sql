-- The account itself, one row: its name, plan, balance and billing address.
-- Left out: the auth token in each of its forms, our references at the payment
-- processor, and our fraud score, which is our own estimate and no fact.
select
    a.id as _key,
    a.sid as "sid", -- ID of the account
    a.parent_sid as "parentSid", -- ID of the account this one is a subaccount of
    a.name as "name", -- name the account goes by
    a.slug as "slug", -- short name of the account in addresses
    a.type as "type", -- trial or full
    a.status as "status", -- active, suspended or closed
    a.suspended as "suspended", -- whether calls and messages are stopped
    a.plan as "plan", -- price plan
    a.currency as "currency", -- ISO 4217 code of the balance
    a.balance as "balance", -- money left, in the account's currency
    a.timezone as "timezone", -- IANA time zone the account works in
    a.billing_email as "billingEmail", -- where invoices are sent
    a.billing_address as "billingAddress", -- address on invoices
    a.settings as "settings", -- settings chosen in the console
    a.created_at as "createdAt", -- when the account was opened
    a.updated_at as "updatedAt", -- when the account was last changed
    a.closed_at as "closedAt" -- when the account was closed
from platform.accounts a
where a.sid = $1
