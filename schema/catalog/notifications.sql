-- The notifications that the platform sent to the account's people. Left out: the
-- push address of a telephone, and our carrier's reference.
select
    n.id as _key,
    n.sid as "sid", -- ID of the notification
    n.user_sid as "userSid", -- ID of the user it was sent to
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
