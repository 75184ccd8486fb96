-- What the account was charged for, line by line. Of a card, only its brand and
-- last four digits are included, as on the invoice. Left out: what charges the
-- card again, the processor's responses, and our own costs.
select
    c.id as _key,
    c.sid as "sid", -- ID of the charge
    c.description as "description", -- line on the invoice
    c.category as "category", -- kind of thing charged
    c.resource_sid as "resourceSid", -- ID of the thing charged
    c.quantity as "quantity", -- how many units
    c.unit as "unit", -- unit of the quantity
    c.unit_price as "unitPrice", -- price of one unit
    c.amount as "amount", -- price before tax
    c.tax as "tax", -- tax
    c.currency as "currency", -- ISO 4217 code of all amounts
    c.period_start as "periodStart", -- first day charged for
    c.period_end as "periodEnd", -- last day charged for
    c.invoice_number as "invoiceNumber", -- invoice the charge stands on
    c.status as "status", -- open, paid, refunded or void
    c.card_brand as "cardBrand", -- brand of the card charged
    c.card_last4 as "cardLast4", -- last four digits of the card charged
    c.charged_at as "chargedAt", -- when it was charged
    c.created_at as "createdAt" -- when the charge was written
from platform.charges c
where c.account_sid = $1
