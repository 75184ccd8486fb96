-- The phone numbers of the account, released ones included. Left out: the PIN
-- that lets a number be moved to another carrier, and what the number costs us.
select
    p.id as _key,
    p.sid as "sid", -- ID of the number
    p.phone_number as "phoneNumber", -- the number, E.164
    p.friendly_name as "friendlyName", -- name given by the account
    p.country as "country", -- ISO 3166 code
    p.kind as "kind", -- local, mobile or toll-free
    p.capabilities as "capabilities", -- what the number can do
    p.flow_sid as "flowSid", -- ID of the flow that answers
    p.voip_provider_sid as "voipProviderSid", -- ID of the account's own carrier, if any
    p.emergency_address as "emergencyAddress", -- address given to emergency services
    p.monthly_price as "monthlyPrice", -- price per month
    p.price_unit as "priceUnit", -- ISO 4217 code of the price
    p.purchased_at as "purchasedAt", -- when the number was bought
    p.released_at as "releasedAt", -- when the number was given back
    p.updated_at as "updatedAt" -- when the number was last changed
from platform.phone_numbers p
where p.account_sid = $1
