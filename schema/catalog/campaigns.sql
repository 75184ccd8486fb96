-- The account's calling campaigns: contacts, flow, limits and results. Left out:
-- the internal state of our dialler.
select
    c.id as _key,
    c.sid as "sid", -- ID of the campaign
    c.name as "name", -- name given by the account
    c.status as "status", -- draft, running, paused or finished
    c.channel as "channel", -- voice or sms
    c.flow_sid as "flowSid", -- ID of the flow that talks
    c.call_schedule_sid as "callScheduleSid", -- ID of the schedule that says when
    c.phone_number_sid as "phoneNumberSid", -- ID of the number shown to those called
    c.audience as "audience", -- which contacts are called
    c.script as "script", -- what is said
    c.daily_limit as "dailyLimit", -- calls a day at most
    c.budget as "budget", -- money to spend at most
    c.spent as "spent", -- money spent
    c.answer_rate as "answerRate", -- share of calls answered, NaN before the first call
    c.starts_at as "startsAt", -- when the campaign begins
    c.ends_at as "endsAt", -- when the campaign ends, infinity for never
    c.created_by as "createdBy", -- ID of the user who made the campaign
    c.created_at as "createdAt", -- when the campaign was made
    c.updated_at as "updatedAt" -- when the campaign was last changed
from platform.campaigns c
where c.account_sid = $1
