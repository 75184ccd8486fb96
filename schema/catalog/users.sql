-- The people of the account, deactivated ones included: who they are, what they
-- may do, when they last signed in. Left out: everything that proves or guards
-- who they are (password, second factor, reset links, failed attempts: whether
-- someone has a second factor is useful to an attacker), and notes our own
-- staff wrote.
select
    u.id as _key,
    u.sid as "sid", -- ID of the user
    u.email as "email", -- address the user signs in with
    u.name as "name", -- full name
    u.phone as "phone", -- phone number, E.164
    u.role as "role", -- owner, admin or member
    u.status as "status", -- invited, active or deactivated
    u.title as "title", -- job title
    u.locale as "locale", -- language and region of the console
    u.timezone as "timezone", -- IANA time zone of the console
    u.preferences as "preferences", -- settings chosen in the console
    u.invited_at as "invitedAt", -- when the user was invited
    u.last_sign_in_at as "lastSignInAt", -- last sign-in
    u.last_sign_in_ip as "lastSignInIp", -- network address of the last sign-in
    u.created_at as "createdAt", -- when the user was added
    u.updated_at as "updatedAt", -- when the user was last changed
    u.deactivated_at as "deactivatedAt" -- when the user was deactivated
from platform.users u
where u.account_sid = $1
