package web

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestNumbersAreWrittenForPeople(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		require.Equal(t, want, count(n))
	}
	for n, want := range map[int64]string{0: "0 bytes", 999: "999 bytes", 1000: "1.0 kB", 150047: "150.0 kB", 868_000_000: "868.0 MB", 2_500_000_000_000_000: "2500.0 TB"} {
		require.Equal(t, want, bytesInWords(n))
	}
	for d, want := range map[time.Duration]string{24 * time.Hour: "24 hours", 90 * time.Minute: "90 minutes", 40 * time.Second: "40 seconds", time.Hour: "1 hour", time.Minute: "1 minute"} {
		require.Equal(t, want, hours(d))
	}
	require.Equal(t, "2 March 2026, 23:05 UTC", when(time.Date(2026, 3, 3, 0, 5, 0, 0, time.FixedZone("", 3600))))
}

func TestEveryCategoryHasATitle(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range schema.Categories {
		require.Regexp(t, `^[A-Z][A-Za-z ]+$`, title(c))
		seen[title(c)] = true
	}
	require.Len(t, seen, len(schema.Categories))
}
