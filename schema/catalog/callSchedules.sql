-- When the account's campaigns may call. Left out: which of our machines runs
-- the schedule.
select
    s.id as _key,
    s.sid as "sid", -- ID of the schedule
    s.name as "name", -- name given by the account
    s.timezone as "timezone", -- IANA time zone the hours are in
    s.weekdays as "weekdays", -- days calls are placed: 1 is Monday, 7 is Sunday
    s.opens_at as "opensAt", -- first time of day
    s.closes_at as "closesAt", -- last time of day
    s.holidays as "holidays", -- days no calls are placed
    s.retry_after as "retryAfter", -- wait before the next attempt
    s.max_attempts as "maxAttempts", -- how many attempts are made
    s.valid_from as "validFrom", -- first moment of the schedule
    s.valid_until as "validUntil", -- last moment of the schedule, infinity for none
    s.enabled as "enabled", -- whether the schedule is used
    s.next_run_at as "nextRunAt", -- when calls are placed next
    s.created_at as "createdAt", -- when the schedule was made
    s.updated_at as "updatedAt" -- when the schedule was last changed
from platform.call_schedules s
where s.account_sid = $1
