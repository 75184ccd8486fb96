-- The account's own carriers: where they are and how they are used. Left out:
-- everything that signs in to a carrier, user names included: with those, calls
-- can be placed at the account's expense.
select
    v.id as _key,
    v.sid as "sid", -- ID of the provider
    v.name as "name", -- name given by the account
    v.kind as "kind", -- sip-trunk or the like
    v.host as "host", -- host name of the carrier
    v.port as "port", -- port of the carrier
    v.transport as "transport", -- udp, tcp or tls
    v.codecs as "codecs", -- codecs in order of preference
    v.max_channels as "maxChannels", -- calls at once
    v.priority as "priority", -- lower is tried first
    v.enabled as "enabled", -- whether the provider is used
    v.registered_at as "registeredAt", -- when we last registered with the carrier
    v.created_at as "createdAt", -- when the provider was added
    v.updated_at as "updatedAt" -- when the provider was last changed
from platform.voip_providers v
where v.account_sid = $1
