-- What the platform told the account's people, in words. Left out: the address
-- of the telephone a push went to, and our carrier's reference.
select
    n.id as _key,
    n.sid as "sid", -- ID of the notification
    n.user_sid as "userSid", -- ID of the user who was told
    n.channel as "channel", -- email, sms, push or in-app
    n.kind as "kind", -- what it was about
    n.destination as "destination", -- e-mail address or phone number it went to
    n.subject as "subject", -- subject line
    n.body as "body", -- text
    n.data as "data", -- facts the text was made from
    n.severity as "severity", -- 0 information, 1 warning, 2 alarm
    n.sent_at as "sentAt", -- when it was sent
    n.read_at as "readAt", -- when it was first opened
    n.created_at as "createdAt" -- when it was written
from platform.notifications n
where n.account_sid = $1
