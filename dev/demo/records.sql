-- Records of every category for the account in the setting demo.account, with edge
-- cases: other scripts, emoji, quotes, line separators, control characters, NaN and
-- infinite numbers, infinite times, JSON that parsing and formatting would change,
-- empty arrays, nulls.

create function pg_temp.account() returns text language sql stable as $$ select current_setting('demo.account') $$;
create function pg_temp.sid(prefix text, no integer) returns text language sql stable as
    $$ select prefix || md5('demo ' || pg_temp.account() || prefix || no) $$;

insert into platform.flows (sid, account_sid, name, description, status, version, definition, fingerprint, published_at, created_at, updated_at, webhook_secret, compiled)
values
    (pg_temp.sid('FW', 1), pg_temp.account(), 'Front desk', 'Greets, then "asks" — in 日本語 too', 'published', 12,
        '{"start":"greet","steps":[{"id":"greet","say":"Grüß Gott 👋\u2028"},{"id":"ask","retries":3,"retries":5}],  "big":12345678901234567890123456789.5e-3}',
        '\xdeadbeef00ff', '2026-01-05 09:00:00.000001+00', '2025-03-01 08:00:00+00', '2026-01-05 09:00:00.000001+00', 'whsec_front_desk', '\x00'),
    (pg_temp.sid('FW', 2), pg_temp.account(), '', null, 'draft', 1, '"\ud83e\udd50 in escapes, and \u0000"', null, null, '2025-03-02 08:00:00+00', '2025-03-02 08:00:00+00', null, null),
    (pg_temp.sid('FW', 3), pg_temp.account(), 'Old', null, 'archived', 2147483647, E'[\n  null,\n\t1e400,  -0.0\n]', '\x', '-infinity', '2025-03-03 08:00:00+00', '2025-03-03 08:00:00+00', null, null)
on conflict (sid) do nothing;

insert into platform.phone_numbers (sid, account_sid, phone_number, friendly_name, country, kind, capabilities, flow_sid, emergency_address, monthly_price, price_unit, purchased_at, released_at, updated_at, porting_pin, carrier_cost)
values
    (pg_temp.sid('PN', 1), pg_temp.account(), '+15550100001', 'Main line', 'US', 'local', '{"voice": true, "sms": true}', pg_temp.sid('FW', 1),
        '{"street": "12 Harbour Street", "city": "Port Quill", "note": "2nd door\u2029"}', 1.15, 'USD', '2025-03-01 08:00:00+00', null, '2025-03-01 08:00:00+00', '9174', 0.4),
    (pg_temp.sid('PN', 2), pg_temp.account(), '+15550100002', null, 'DE', 'mobile', '{}', null, null, 99999.99999, 'EUR', '2025-04-01 08:00:00+00', '2025-12-31 23:59:59.999999+00', '2025-12-31 23:59:59.999999+00', null, null)
on conflict (sid) do nothing;

insert into platform.voip_providers (sid, account_sid, name, host, port, transport, codecs, max_channels, priority, enabled, registered_at, created_at, updated_at, username, password, api_key, api_secret, private_key)
values
    (pg_temp.sid('VP', 1), pg_temp.account(), 'Kanalwerk', 'sip.example.net', 5061, 'tls', '{opus,PCMU,"G.722, wide"}', 30, 10, true, '2026-02-01 00:00:00+00',
        '2025-03-01 08:00:00+00', '2025-03-01 08:00:00+00', 'marlowe-trunk', 'correct horse', 'kw_live_41', 'kw_secret_41', '-----BEGIN PRIVATE KEY-----'),
    (pg_temp.sid('VP', 2), pg_temp.account(), 'Spare "B"', '198.51.100.7', 65535, 'udp', '{}', -32768, 0, false, null,
        '2025-03-02 08:00:00+00', '2025-03-02 08:00:00+00', null, null, null, null, null)
on conflict (sid) do nothing;

insert into platform.call_schedules (sid, account_sid, name, timezone, weekdays, opens_at, closes_at, holidays, retry_after, max_attempts, valid_from, valid_until, enabled, created_at, updated_at, next_run_at, dispatcher)
values
    (pg_temp.sid('CS', 1), pg_temp.account(), 'Office hours', 'Europe/Berlin', '{1,2,3,4,5}', '08:30', '24:00', '{2026-12-25,infinity}', '1 mon -2 days 03:04:05.678',
        3, '-infinity', 'infinity', true, '2025-03-01 08:00:00+00', '2025-03-01 08:00:00+00', '2026-03-02 07:30:00+00', 'dispatcher-1'),
    (pg_temp.sid('CS', 2), pg_temp.account(), 'Never', 'UTC', '{}', '00:00', '00:00:00.000001', '{}', null,
        0, '2026-01-01 00:00:00+00', '2026-01-01 00:00:00+00', false, '2025-03-02 08:00:00+00', '2025-03-02 08:00:00+00', null, null)
on conflict (sid) do nothing;

insert into platform.campaigns (sid, account_sid, name, status, flow_sid, call_schedule_sid, phone_number_sid, audience, script, daily_limit, budget, spent, answer_rate, starts_at, ends_at, created_at, updated_at, dialer_state)
values
    (pg_temp.sid('CM', 1), pg_temp.account(), 'Spring tasting 🥐', 'running', pg_temp.sid('FW', 1), pg_temp.sid('CS', 1), pg_temp.sid('PN', 1),
        '{"tags": ["bread", "café"], "not": {"doNotCall": true}, "limit": 1e30}', E'Hello {{name}},\r\n\tit''s \\ "us" </script>', 200, 1500.00, 12.34567,
        0.30000000000000004, '2026-03-01 08:00:00+00', 'infinity', '2026-01-01 08:00:00+00', '2026-01-02 08:00:00+00', '{"cursor": 17}'),
    (pg_temp.sid('CM', 2), pg_temp.account(), 'Nobody yet', 'draft', null, null, null, '{}', '', null, 'NaN', 0, 'NaN', null, null, '2026-01-03 08:00:00+00', '2026-01-03 08:00:00+00', null)
on conflict (sid) do nothing;

insert into platform.contacts (sid, account_sid, name, given_name, family_name, phone, email, company, address, birthday, language, timezone, tags, custom_fields, do_not_call, consented_at, lead_score, lifetime_value, photo_thumbnail, notes, created_at, updated_at, portal_token, search_vector)
values
    (pg_temp.sid('CT', 1), pg_temp.account(), 'José "Pepe" Niño', 'José', 'Niño', '+15550101001', 'jose@example.com', 'Niño & Söhne', '{"street": "Calle 3, 2º", "city": "Málaga"}',
        '1979-02-28', 'es', 'Europe/Madrid', '{vip,"two words","a,b","quote\"d",NULL,""}', '{"size": 10, "size_eu": 42.50, "nested": {"deep": [1, [2, [3]]]}}',
        false, '2025-05-01 10:00:00+00', 0.1, 123456789012345678901234567890.123456789, '\x89504e470d0a1a0a', 'Likes rye.', '2025-05-01 10:00:00+00', '2025-05-01 10:00:00+00', 'portal_pepe', 'pepe'),
    (pg_temp.sid('CT', 2), pg_temp.account(), '山田 花子', '花子', '山田', '+815550101002', null, null, null,
        null, 'ja', 'Asia/Tokyo', '{}', '{}', true, null, 'NaN', null, null, null, '2025-05-02 10:00:00+00', '2025-05-02 10:00:00+00', null, null),
    (pg_temp.sid('CT', 3), pg_temp.account(), E'Zoe\u0308 👩‍👩‍👧 \u2028\u2029 \u202Eabc\u202C', E'\u0001\u001f\u007f', E'\\', '', '', '', '[]',
        'infinity', '', '', '{{a,b},{c,d}}', '{"": null, "\u2028": "\\u0041", "emoji": "👩‍👩‍👧"}', false, 'infinity', '-Infinity', '-0.00', '\x', E'line 1\nline 2\r\n\ttabbed\b\f', '-infinity', 'infinity', null, null),
    (pg_temp.sid('CT', 4), pg_temp.account(), null, null, null, null, null, null, 'null',
        '-infinity', null, null, '{}', '"just a string"', false, null, 5e-324, 'NaN', null, '</textarea><script>alert(1)</script> &amp; %s {{.}}', '2025-05-04 10:00:00+00', '2025-05-04 10:00:00+00', null, null),
    (pg_temp.sid('CT', 5), pg_temp.account(), repeat('long ', 2000), 'Мария', 'Ветрова', '+15550101005', 'мария@example.com', null, '{"lines": ["1", "2"]}',
        '0001-01-01', 'ru', 'UTC', array_fill('tag'::text, array[300]), '{"n": 10000000000000000000000000000000.10}', false, '1900-01-01 00:00:00.5+00', 1.7976931348623157e308, '-1e-20',
        decode(repeat('00ff10', 3000), 'hex'), null, '2025-05-05 10:00:00+00', '2025-05-05 10:00:00+00', null, null)
on conflict (sid) do nothing;

insert into platform.calls (sid, account_sid, parent_call_sid, phone_number_sid, flow_sid, campaign_sid, from_number, to_number, forwarded_from, caller_name, direction, status, answered_by, date_created, date_updated, start_time, end_time, duration, price, price_unit, quality_score, tags, metadata, sip_headers, pii_scrubbed_at, recording_token, carrier_route, carrier_cost)
values
    (pg_temp.sid('CA', 1), pg_temp.account(), null, pg_temp.sid('PN', 1), pg_temp.sid('FW', 1), null, '+15550101001', '+15550100001', null, 'José "Pepe" Niño', 'inbound', 'completed', null,
        '2026-02-01 09:00:00+00', '2026-02-01 09:03:00.1+00', '2026-02-01 09:00:04.000001+00', '2026-02-01 09:03:00+00', 176, -0.00750, 'USD', 4.4, '{vip}',
        '{"order": 4711, "note": "call back \u2028 soon"}', '{"X-Twice": 1, "X-Twice": 2,   "User-Agent": "Müller/1.0"}', null, 'rec_1', 'route-9', 0.003),
    (pg_temp.sid('CA', 2), pg_temp.account(), pg_temp.sid('CA', 1), null, null, pg_temp.sid('CM', 1), 'sip:desk@example.com', 'client:ada', '+15550100009', '📞🇩🇪', 'outbound-dial', 'no-answer', 'machine',
        '2026-02-01 09:00:10+00', null, null, null, 0, 0, 'USD', 'NaN', '{}', 'null', 'null', null, null, null, null),
    (pg_temp.sid('CA', 3), pg_temp.account(), null, null, null, null, null, null, null, null, 'outbound-api', 'failed', null,
        '2026-02-02 00:00:00+00', null, null, null, null, null, null, null, null, null, null, null, null, null, null),
    (pg_temp.sid('CA', 4), pg_temp.account(), null, pg_temp.sid('PN', 2), null, null, '+493055501234', '+15550100001', null, '', 'inbound', 'in-progress', 'human',
        '2026-02-28 23:59:59.999999+00', 'infinity', '2026-02-28 23:59:59.999999+00', 'infinity', 2147483647, -12345678901234567890.000000000000000001, 'XTS', 'Infinity', '{NULL}',
        '[true, false, null, 1.0, "\""]', E'{\n "Via": "SIP/2.0/TLS"\n}', null, 'rec_4', 'route-2', 12),
    -- Scrubbed calls are not exported.
    (pg_temp.sid('CA', 5), pg_temp.account(), null, pg_temp.sid('PN', 1), null, null, null, null, null, 'scrubbed', 'inbound', 'completed', null,
        '2024-02-01 09:00:00+00', '2025-02-01 00:00:00+00', '2024-02-01 09:00:04+00', '2024-02-01 09:01:00+00', 56, -0.0075, 'USD', 4.1, null, null, null, '2025-02-01 00:00:00+00', null, 'route-9', 0.003),
    (pg_temp.sid('CA', 6), pg_temp.account(), null, pg_temp.sid('PN', 1), null, null, null, null, null, 'scrubbed', 'outbound-api', 'busy', null,
        '2024-02-02 09:00:00+00', '2025-02-02 00:00:00+00', null, null, 0, 0, 'USD', null, null, null, null, '2025-02-02 00:00:00+00', null, 'route-9', 0)
on conflict (sid) do nothing;

insert into platform.charges (sid, account_sid, description, category, resource_sid, quantity, unit, unit_price, amount, tax, currency, period_start, period_end, invoice_number, status, card_brand, card_last4, charged_at, created_at, payment_method_token, processor_response, wholesale_amount)
values
    (pg_temp.sid('CH', 1), pg_temp.account(), 'Voice minutes, 1 ½ hours', 'calls', pg_temp.sid('CA', 1), 90, 'minute', 0.0075, 0.675, 0.12825, 'USD', '2026-02-01', '2026-02-28',
        'INV-2026-02', 'paid', 'visa', '0042', '2026-03-01 00:00:00+00', '2026-03-01 00:00:00+00', 'pm_card_42', '{"id": "ch_9", "pan": "4242…"}', 0.27),
    (pg_temp.sid('CH', 2), pg_temp.account(), 'Credit “goodwill”', 'other', null, 1e-30, 'unit', -9999999999999999999999.99, 'NaN', 0, 'USD', null, 'infinity', null, 'void', null, null,
        '2026-03-02 00:00:00+00', '2026-03-02 00:00:00+00', null, null, null)
on conflict (sid) do nothing;

insert into platform.balance_transactions (sid, account_sid, kind, amount, balance_after, currency, charge_sid, description, reference, created_by, created_at, ledger_entry)
values
    (pg_temp.sid('BT', 1), pg_temp.account(), 'top-up', 50, 50.00, 'USD', null, 'Thank you! ✅', 'PO "7" / 2026', null, '2026-01-31 10:00:00+00', md5(pg_temp.sid('BT', 1))::uuid),
    (pg_temp.sid('BT', 2), pg_temp.account(), 'charge', -0.675, 49.325, 'USD', pg_temp.sid('CH', 1), null, null, null, '2026-03-01 00:00:00+00', md5(pg_temp.sid('BT', 2))::uuid)
on conflict (sid) do nothing;

insert into platform.notifications (sid, account_sid, user_sid, channel, kind, destination, subject, body, data, severity, sent_at, read_at, created_at, push_device_token, provider_ref)
values
    (pg_temp.sid('NO', 1), pg_temp.account(), null, 'email', 'balance.low', 'billing@example.com', 'Your balance is low 📉', E'Only 49.325 USD left.\n\n— “Billing”', '{"balance": 49.325}', 1,
        '2026-03-01 00:05:00+00', null, '2026-03-01 00:05:00+00', null, 'msg_1'),
    (pg_temp.sid('NO', 2), pg_temp.account(), null, 'push', 'call.missed', null, null, '', null, 32767, 'infinity', '2026-03-01 08:00:00+00', '2026-03-01 00:06:00+00', 'apns_77', null)
on conflict (sid) do nothing;

drop function pg_temp.sid(text, integer);
drop function pg_temp.account();
