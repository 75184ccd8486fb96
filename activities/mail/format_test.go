package mail

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestDurationsAreRoundedDown(t *testing.T) {
	for d, want := range map[time.Duration]string{
		24 * time.Hour:                  "24 hours",
		47*time.Hour + 59*time.Minute:   "47 hours and 59 minutes",
		48 * time.Hour:                  "2 days",
		7*24*time.Hour + time.Hour:      "7 days and 1 hour",
		90 * time.Minute:                "1 hour and 30 minutes",
		time.Hour:                       "1 hour",
		2 * time.Minute:                 "2 minutes",
		90 * time.Second:                "90 seconds",
		90500 * time.Millisecond:        "90 seconds",
		30 * time.Second:                "30 seconds",
		time.Second:                     "1 second",
		24*time.Hour - time.Microsecond: "23 hours and 59 minutes",
		0:                               "0 seconds",
		-time.Hour:                      "0 seconds",
	} {
		require.Equal(t, want, formatDuration(d), d.String())
	}
}

func TestSizesAreExactAndReadable(t *testing.T) {
	for n, want := range map[int64]string{
		0:             "0 bytes",
		1:             "1 byte",
		999:           "999 bytes",
		1000:          "1.0 kB (1,000 bytes)",
		9950:          "9.9 kB (9,950 bytes)",
		542_749:       "542.7 kB (542,749 bytes)",
		999_949:       "999.9 kB (999,949 bytes)",
		999_999:       "1.0 MB (999,999 bytes)",
		868_123_456:   "868.1 MB (868,123,456 bytes)",
		1_234_567_890: "1.2 GB (1,234,567,890 bytes)",
		math.MaxInt64: "9223.4 PB (9,223,372,036,854,775,807 bytes)",
	} {
		require.Equal(t, want, formatSize(n))
	}
}

func TestTimesAreInTheZoneOfTheRecipient(t *testing.T) {
	at := time.Date(2026, 3, 1, 0, 30, 5, 999, time.UTC)
	for zone, want := range map[string]string{
		"":                    "Sunday, 1 March 2026, 00:30:05 UTC",
		"Mars/Olympus":        "Sunday, 1 March 2026, 00:30:05 UTC",
		"Local":               "Sunday, 1 March 2026, 00:30:05 UTC",
		"../../etc/passwd":    "Sunday, 1 March 2026, 00:30:05 UTC",
		"Europe/Paris":        "Sunday, 1 March 2026, 01:30:05 UTC+01",
		"America/Los_Angeles": "Saturday, 28 February 2026, 16:30:05 UTC-08",
		"Asia/Kolkata":        "Sunday, 1 March 2026, 06:00:05 UTC+05:30",
	} {
		require.Equal(t, want, formatTime(Data{Zone: zone, RequestedAt: at}.sanitized().RequestedAt), zone)
	}
	require.Equal(t, "Sunday, 1 March 2026, 00:30 UTC", formatTime(at.Truncate(time.Minute)))
}

func TestNamesBecomeNoLinks(t *testing.T) {
	for name, want := range map[string]string{
		"You won evil.example/win": "You won evil.\u200bexample/win",
		"joe@evil.example":         "joe@\u200bevil.\u200bexample",
		"Acme Inc. of Rome":        "Acme Inc. of Rome",
		"Acme Inc.":                "Acme Inc.",
	} {
		require.Equal(t, want, unlinked(name))
	}
}

func TestTheCategoryListIsASentencesList(t *testing.T) {
	require.Equal(t, "account, phone numbers and VoIP providers", categoryList([]schema.Category{"account", "phoneNumbers", "voipProviders"}))
	require.Equal(t, "users and calls", categoryList([]schema.Category{"users", "calls"}))
	require.Equal(t, "users", categoryList([]schema.Category{"users"}))
	require.Empty(t, categoryList(nil))
}
