package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/activities/vault"
	"satchel/schema"
)

// flags are valid settings as flags, with some of them changed: a
// later flag wins, and one that is "" is left out.
func flags(changes ...string) []string {
	settings := map[string]string{
		"database-url": "postgres://satchel@127.0.0.1:1/satchel?sslmode=disable", "s3-bucket": "exports", "s3-endpoint": "http://127.0.0.1:1",
		"keyset-file": "/nowhere/keyset.json", "link-key": "8f1b2c3d4e5f60718293a4b5c6d7e8f9a8b7c6d5e4f30211fedcba9876543210",
		"public-base-url": "https://export.example.com", "metrics-address": "127.0.0.1:0", "port": "0",
	}
	for _, change := range changes {
		name, value, _ := strings.Cut(change, "=")
		settings[name] = value
	}
	var args []string
	for name, value := range settings {
		if value != "" {
			args = append(args, "--"+name+"="+value)
		}
	}
	return args
}

func validatedFrom(t *testing.T, changes ...string) (validated, error) {
	t.Helper()
	c, goOn, err := parse(flags(changes...), &bytes.Buffer{}, &bytes.Buffer{})
	if err != nil {
		return validated{}, err
	}
	require.True(t, goOn)
	return c.validate()
}

func TestInvalidSettingsAreRejectedWithASentence(t *testing.T) {
	for change, sentence := range map[string]string{
		"database-url=":         "not set: DATABASE_URL (",
		"link-key=":             "not set: LINK_KEY (",
		"link-key=short":        "LINK_KEY must be 64 hexadecimal digits",
		"public-base-url=":      "PUBLIC_BASE_URL is not set",
		"public-base-url=x":     "PUBLIC_BASE_URL must be like",
		"catalog-dir=/nowhere":  "CATALOG_DIR: ",
		"jwks-url=https://x/k":  "JWKS_URL, JWT_ISSUER and JWT_AUDIENCE belong together",
		"sign-in-url=x":         "SIGN_IN_URL must be a URL",
		"confirm-window=-1h":    "CONFIRM_WINDOW must be longer",
		"cooldown=0s":           "COOLDOWN must be longer",
		"rate-limit=0":          "RATE_LIMIT",
		"rate-limit=1e18":       "RATE_LIMIT must be between 1 and 1000000",
		"rate-limit=inf":        "RATE_LIMIT must be between 1 and 1000000",
		"log-level=loud":        "LOG_LEVEL: ",
		"trusted-proxies=x":     `TRUSTED_PROXIES: "x" is neither an address, such as 10.0.0.1, nor a network`,
		"temporal-ui-url=ftp:x": "TEMPORAL_UI_URL must be a URL",
		"min-lag-days=0":        "MIN_LAG_DAYS must be at least 1",
		"quota-days=0":          "QUOTA_DAYS must be at least 1",
		"link-ttl=0s":           "LINK_TTL must be at least 1s",
		"day-retention=0s":      "DAY_RETENTION must be longer",
		"day-retry-window=-1s":  "DAY_RETRY_WINDOW must be longer",
		"stop-grace=-1s":        "STOP_GRACE must not be negative",
		"day-fetch-status=302":  "DAY_FETCH_STATUS must be 307 or 200",
		"bulk-any-host=true":    "BULK_ANY_HOST needs TRUSTED_PROXIES",
	} {
		_, err := validatedFrom(t, change)
		require.ErrorContains(t, err, sentence, change)
	}
	_, err := validatedFrom(t, "public-base-url=http://export.example.com")
	require.ErrorContains(t, err, "must begin with https://")
	_, err = validatedFrom(t, "jwks-url=http://app.example.com/keys", "jwt-issuer=i", "jwt-audience=a")
	require.ErrorContains(t, err, "JWKS_URL must begin with https://")
	_, err = validatedFrom(t, "public-base-url=http://127.0.0.1:8080")
	require.NoError(t, err, "loopback needs no TLS")
}

func TestAProxyMayBeAnAddressOrANetwork(t *testing.T) {
	s, err := validatedFrom(t, "trusted-proxies=10.0.0.1,192.168.0.0/16,fd00::1")
	require.NoError(t, err)
	require.Equal(t, []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32"), netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("fd00::1/128")}, s.proxies)
}

func TestAHostThatClientLibrariesCannotRebuildLogsAWarning(t *testing.T) {
	for site, warned := range map[string]bool{
		"https://a.b.c.example.com": false, "https://a.b.c.d.example.com": true, "https://a.b.c.d.example.com.:8443/x": true,
		"http://127.0.0.1:8080": false, "http://[::1]:8080": false,
	} {
		s, err := validatedFrom(t, "public-base-url="+site)
		require.NoError(t, err)
		require.Equal(t, warned, s.warning() != "", site)
	}
}

func TestKeysThatOthersMayKnowAreRefusedOutsideDev(t *testing.T) {
	for _, key := range []string{
		strings.Repeat("00", 32), strings.Repeat("ab", 32), strings.Repeat("0123456789abcdef", 4), strings.Repeat("deadbeef", 8),
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		schema.NewDevelopmentLinkKey(),
	} {
		_, err := validatedFrom(t, "link-key="+key)
		require.ErrorContains(t, err, "openssl rand -hex 32", key)
		require.NotContains(t, err.Error(), key)
		_, err = validatedFrom(t, "link-key="+key, "dev=true")
		require.NoError(t, err)
	}
	_, err := validatedFrom(t)
	require.NoError(t, err)

	t.Cleanup(func() { slog.SetDefault(logger) }) // the program sets the process'
	keyset := filepath.Join(t.TempDir(), "keyset.json")
	require.NoError(t, vault.WriteDevelopmentKeyset(keyset))
	err = run(context.Background(), flags("keyset-file="+keyset), &bytes.Buffer{}, &bytes.Buffer{})
	require.ErrorContains(t, err, "worker keyset")
}

func TestDevelopmentStaysOnOneMachine(t *testing.T) {
	s, err := validatedFrom(t, "dev=true", "public-base-url=", "port=8123")
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:8123", s.address())
	require.Equal(t, schema.Site("http://127.0.0.1:8123"), s.site)
	require.Empty(t, s.bulkSite(), "URLs in answers have the host of the request")
	for _, host := range []string{"0.0.0.0", "::", "10.0.0.1", "export.example.com"} {
		_, err = validatedFrom(t, "dev=true", "host="+host)
		require.ErrorContains(t, err, "DEV is for one machine", host)
	}
	s, err = validatedFrom(t)
	require.NoError(t, err)
	require.Equal(t, ":0", s.address(), "without dev, on all addresses")
	require.Equal(t, s.site, s.bulkSite())
	_, err = validatedFrom(t, "bulk-any-host=true", "dev=true")
	require.NoError(t, err)
	s, err = validatedFrom(t, "bulk-any-host=true", "trusted-proxies=10.0.0.0/8")
	require.NoError(t, err)
	require.Empty(t, s.bulkSite())
	require.Equal(t, schema.Site("https://export.example.com"), s.site, "mails and pages keep to it")
}

func TestHelpNamesEveryVariableAndWhatIsSecret(t *testing.T) {
	var help bytes.Buffer
	require.NoError(t, run(context.Background(), []string{"--help"}, &help, &help))
	for _, variable := range []string{
		"DATABASE_URL", "SOURCE_DATABASE_URL", "CATALOG_DIR", "S3_BUCKET", "S3_ENDPOINT", "KEYSET_FILE", "KMS_KEY_URI", "LINK_KEY",
		"PUBLIC_BASE_URL", "HOST", "PORT", "METRICS_ADDRESS", "LOG_LEVEL", "DEV", "CONFIRM_WINDOW", "DOWNLOAD_WINDOW", "COOLDOWN",
		"COLLECT_RETRY_WINDOW", "SIGN_IN_URL", "JWKS_URL", "JWT_ISSUER", "JWT_AUDIENCE", "TRUSTED_PROXIES", "RATE_LIMIT", "TEMPORAL_UI_URL",
		"MIN_LAG_DAYS", "QUOTA_DAYS", "LINK_TTL", "DAY_RETENTION", "DAY_RETRY_WINDOW", "DAY_FETCH_STATUS", "WEBHOOK_ALLOW", "WEBHOOK_ALLOW_HTTP",
	} {
		require.Contains(t, help.String(), "$"+variable)
	}
	require.Equal(t, 3, strings.Count(help.String(), "Secret"))
}
