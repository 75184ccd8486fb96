package web

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestTimesAndDurationsAreFormatted(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{24 * time.Hour: "24 hours", 90 * time.Minute: "90 minutes", 40 * time.Second: "40 seconds", time.Hour: "1 hour", time.Minute: "1 minute"} {
		require.Equal(t, want, formatDuration(d))
	}
	require.Equal(t, "2\u00a0Mar\u00a02026, 23:05\u00a0UTC", formatTime(time.Date(2026, 3, 3, 0, 5, 0, 0, time.FixedZone("", 3600))))
}

func TestEveryCategoryHasATitle(t *testing.T) {
	t.Parallel()
	titles := map[string]bool{}
	for _, c := range schema.Categories {
		require.Regexp(t, `^[A-Z][A-Za-z ]+$`, categoryTitle(c))
		titles[categoryTitle(c)] = true
	}
	require.Len(t, titles, len(schema.Categories))
}

func TestElapsedAndEstimatedTimesAreFormatted(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 59900 * time.Millisecond: "59 s", time.Minute: "1 min 0 s", 3661 * time.Second: "1 h 1 min", 24*time.Hour - time.Second: "23 h 59 min",
		48*time.Hour - time.Second: "47 h 59 min", 48 * time.Hour: "2 days 0 h", 7*24*time.Hour - time.Second: "6 days 23 h",
	} {
		require.Equal(t, want, formatElapsed(d))
	}
	for d, want := range map[time.Duration]string{
		time.Second: "a few seconds", 30 * time.Second: "less than a minute", 80 * time.Second: "about a minute", 100 * time.Second: "about 2 minutes", 3 * time.Hour: "about 3 hours",
	} {
		require.Equal(t, want, formatEstimate(d))
	}
}
