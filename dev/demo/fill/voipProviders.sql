-- VoIP providers $2 to $3 of account $1.
insert into platform.voip_providers (
    id, sid, account_sid, name, host, codecs, max_channels, created_at, updated_at, username, password, api_key, api_secret, private_key
) overriding system value
select
    $4::bigint + n, 'VP' || m, $1, 'Carrier ' || n, 'sip' || n || '.example.net', '{opus,PCMU,PCMA}', 30,
    timestamptz '2023-01-01 00:00:00+00' + n * interval '1 minute', timestamptz '2023-01-02 00:00:00+00' + n * interval '1 minute',
    'trunk_' || reverse(m), 'pw_' || reverse(m), 'key_' || reverse(m), 'sec_' || reverse(m), 'pem_' || reverse(m)
from generate_series($2::bigint, $3::bigint) n, lateral (select md5($1 || ':voipProviders:' || n) as m offset 0) x
