-- The people the account calls and writes to, as the account keeps them.
-- Left out: the key to each contact's self-service page, and the search index,
-- which repeats what is here.
select
    c.id as _key,
    c.sid as "sid", -- ID of the contact
    c.name as "name", -- display name
    c.given_name as "givenName", -- given name
    c.family_name as "familyName", -- family name
    c.phone as "phone", -- phone number, E.164
    c.email as "email", -- e-mail address
    c.company as "company", -- company the contact works for
    c.address as "address", -- postal address
    c.birthday as "birthday", -- day of birth
    c.language as "language", -- preferred language, BCP 47
    c.timezone as "timezone", -- IANA time zone
    c.tags as "tags", -- labels given by the account
    c.custom_fields as "customFields", -- fields defined by the account
    c.do_not_call as "doNotCall", -- whether the contact asked not to be called
    c.consented_at as "consentedAt", -- when the contact agreed to be called
    c.lead_score as "leadScore", -- score given by the account
    c.lifetime_value as "lifetimeValue", -- value given by the account
    c.photo_thumbnail as "photoThumbnail", -- small picture, as bytes
    c.notes as "notes", -- notes taken by the account's people
    c.created_at as "createdAt", -- when the contact was added
    c.updated_at as "updatedAt" -- when the contact was last changed
from platform.contacts c
where c.account_sid = $1
