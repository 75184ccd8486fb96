-- Records of every type of bulk export for the account in the setting demo.account,
-- with edge cases like those of records.sql: the first and the last microsecond of a
-- UTC day, equal times, no price, long numbers, and line separators within text.

create function pg_temp.account() returns text language sql stable as $$ select current_setting('demo.account') $$;
create function pg_temp.sid(prefix text, no integer) returns text language sql stable as
    $$ select prefix || md5('demo ' || pg_temp.account() || prefix || no) $$;

insert into platform.messages (sid, account_sid, messaging_service_sid, from_number, to_number, body, num_segments, num_media, status, direction, date_created, date_sent, date_updated, price, price_unit, error_code, error_message, media_token, content_scan, carrier_route, carrier_cost)
values
    (pg_temp.sid('SM', 1), pg_temp.account(), null, '+15550100001', '+491701234567', 'Hallo', 1, 0, 'delivered', 'outbound-api',
        '2026-03-01 00:00:00+00', '2026-03-01 00:00:01+00', '2026-03-01 00:00:04.999999+00', -0.00750, 'USD', null, null, null, '{}', 'route-9', 0.003),
    (pg_temp.sid('SM', 2), pg_temp.account(), pg_temp.sid('MG', 1), 'MARLOWE', '+81555010002', E'Bread: \u2028 "rye"\u2029\r\n\t\\ 日本語 👩‍👩‍👧 \u0001\u007f</script>', 10, 0, 'undelivered', 'outbound-reply',
        '2026-03-01 23:59:59.999999+00', null, 'infinity', 123456789012345678901234567890.123456789, 'USD', 30003, 'Unreachable', null, null, null, 'NaN'),
    (pg_temp.sid('MM', 3), pg_temp.account(), null, '+491701234567', '+15550100001', '', 0, 10, 'received', 'inbound',
        '2026-03-01 12:00:00.5+00', '2026-03-01 12:00:00.5+00', null, null, null, 0, null, 'media_3', '{"spam": 0.9}', 'route-2', 0),
    (pg_temp.sid('SM', 4), pg_temp.account(), null, null, null, null, 2147483647, 0, 'scheduled', 'outbound-call',
        '2026-03-01 12:00:00.5+00', null, '-infinity', 'NaN', null, -1, null, null, null, null, null),
    (pg_temp.sid('SM', 5), pg_temp.account(), null, '+15550100001', '+15550100002', repeat('long ', 400), 13, 0, 'partially_delivered', 'outbound-api',
        '2026-02-28 23:59:59.999999+00', null, null, -0.0, 'USD', null, null, null, null, null, null),
    (pg_temp.sid('SM', 6), pg_temp.account(), null, '+15550100001', '+15550100002', 'a day later', 1, 0, 'read', 'outbound-api',
        '2026-03-02 00:00:00+00', null, null, 1e-30, 'USD', null, null, null, null, null, null)
on conflict (sid) do nothing;

insert into platform.conferences (sid, account_sid, friendly_name, region, status, date_created, date_updated, reason_conference_ended, call_sid_ending_conference, moderator_pin, media_server)
values
    (pg_temp.sid('CF', 1), pg_temp.account(), E'Café "round"\u2028\n🥐', 'de1', 'completed', '2026-03-01 09:00:00+00', '2026-03-01 09:30:00.999999+00', 'last-participant-left', pg_temp.sid('CA', 1), '4711', 'mixer-1'),
    (pg_temp.sid('CF', 2), pg_temp.account(), null, null, 'init', '2026-03-01 09:00:00+00', null, null, null, null, null),
    (pg_temp.sid('CF', 3), pg_temp.account(), '', 'us1', 'in-progress', '2026-03-01 23:59:59.999999+00', 'infinity', null, null, '9174', 'mixer-2')
on conflict (sid) do nothing;

insert into platform.participants (sid, account_sid, conference_sid, call_sid, call_sid_to_coach, label, coaching, muted, hold, start_conference_on_enter, end_conference_on_exit, status, date_created, date_updated, queue_time, join_token, media_server)
values
    (pg_temp.sid('PA', 1), pg_temp.account(), pg_temp.sid('CF', 1), pg_temp.sid('CA', 1), null, 'José "Pepe"', false, true, false, true, true, 'complete', '2026-03-01 09:00:00+00', '2026-03-01 09:30:00+00', 0, 'join_1', 'mixer-1'),
    (pg_temp.sid('PA', 2), pg_temp.account(), pg_temp.sid('CF', 1), pg_temp.sid('CA', 2), pg_temp.sid('CA', 1), null, true, false, true, false, false, 'connected', '2026-03-01 09:00:00+00', 'infinity', 2147483647, null, null),
    (pg_temp.sid('PA', 3), pg_temp.account(), pg_temp.sid('CF', 3), pg_temp.sid('CA', 3), null, null, false, false, false, true, false, 'failed', '2026-03-01 23:59:59.999999+00', null, null, null, null)
on conflict (sid) do nothing;

insert into platform.calls_archive (id, sid, account_sid, from_number, from_formatted, to_number, to_formatted, caller_name, direction, status, date_created, date_updated, start_time, end_time, duration, price, price_unit, quality_score, tags, metadata, sip_headers, pii_scrubbed_at, recording_token, carrier_route, carrier_cost, queue_time, group_sid, trunk_sid)
select nextval('platform.calls_id_seq'), pg_temp.sid('CA', no), pg_temp.account(), from_number, null, '+15550100001', '(555) 010-0001', caller_name, 'inbound', 'completed', date_created, date_updated, date_created, 'infinity', 61, price, 'USD', 'NaN',
    '{}', '{"old": true}', '{"X-Twice": 1, "X-Twice": 2}', scrubbed, 'rec_old', 'route-9', 0.003, queue_time, pg_temp.sid('GP', 1), pg_temp.sid('TK', 1)
from (values
    (101, '+15550101001', E'Zoë \u2028 "Ace"', timestamptz '2024-02-29 00:00:00+00', timestamptz '2024-02-29 00:01:05.5+00', -0.00750, null::timestamptz, 250),
    (102, 'sip:desk@example.com', null, '2024-02-29 23:59:59.999999+00', null, null, null, null),
    (103, null, 'scrubbed', '2024-02-29 12:00:00+00', null, 0, '2025-03-01 00:00:00+00', 0)
) old (no, from_number, caller_name, date_created, date_updated, price, scrubbed, queue_time)
where not exists (select from platform.calls_archive a where a.sid = pg_temp.sid('CA', no));

drop function pg_temp.sid(text, integer);
drop function pg_temp.account();
