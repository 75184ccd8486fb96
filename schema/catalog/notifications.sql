-- The notifications that the platform sent to the account's people. Left out: what
-- notifications say that carry a code, or a link to sign in or to reset a password;
-- the push address of a telephone, and our carrier's reference.
select
    n.id as _key,
    n.sid as "sid", -- ID of the notification
    n.user_sid as "userSid", -- ID of the user it was sent to
    n.channel as "channel", -- email, sms, push or in-app
    n.kind as "kind", -- what it was about
    n.destination as "destination", -- e-mail address or phone number it went to
    case when not n.carries_a_key then n.subject end as "subject", -- subject line; null where the text carries a code or a link to sign in
    case when not n.carries_a_key then n.body end as "body", -- text; null where it carries a code or a link to sign in
    case when not n.carries_a_key then n.data end as "data", -- facts the text was made from; null where it carries a code or a link to sign in
    n.severity as "severity", -- 0 information, 1 warning, 2 alarm
    n.sent_at as "sentAt", -- when it was sent
    n.read_at as "readAt", -- when it was first opened
    n.created_at as "createdAt" -- when it was written
from (
    select
        account_sid, id, sid, user_sid, channel, kind, destination, subject, body, data, severity, sent_at, read_at, created_at,
        kind ~* '(code|password|passcode|pin|reset|recover|verif|confirm|invit|sign.?in|log.?in|mfa|2fa|factor|otp|magic|token|secret)' as carries_a_key
    from platform.notifications
) n
where n.account_sid = $1
