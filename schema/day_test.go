package schema_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

// inKathmandu runs the rest of a test as on a machine that is five and three
// quarter hours ahead of UTC.
func inKathmandu(t *testing.T) *time.Location {
	t.Helper()
	before := time.Local
	t.Cleanup(func() { time.Local = before })
	time.Local = time.FixedZone("Asia/Kathmandu", int((5*time.Hour + 45*time.Minute).Seconds()))
	return time.Local
}

func TestADayIsTheUTCDayInEveryZone(t *testing.T) {
	kathmandu := inKathmandu(t)
	for instant, want := range map[time.Time]schema.Day{
		time.Date(2026, 3, 1, 5, 44, 59, 0, kathmandu):  "2026-02-28",
		time.Date(2026, 3, 1, 5, 45, 0, 0, kathmandu):   "2026-03-01",
		time.Date(2026, 2, 28, 23, 59, 59, 0, time.UTC): "2026-02-28",
		time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC):     "2026-03-01",
		time.Date(2026, 12, 31, 23, 0, 0, 0, kathmandu): "2026-12-31",
		time.Date(2026, 12, 31, 19, 0, 0, 0, time.UTC):  "2026-12-31",
		time.Unix(0, 0):          "1970-01-01",
		time.Unix(24*60*60-1, 0): "1970-01-01",
		time.Date(2024, 2, 29, 23, 59, 59, 999, time.UTC): "2024-02-29",
	} {
		require.Equal(t, want, schema.DayOf(instant), instant)
	}
	require.Equal(t, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), schema.Day("2026-03-01").Begins())
	require.Equal(t, schema.Day("2026-03-01"), schema.DayOf(schema.Day("2026-03-01").Begins()))
}

func TestDaysAreCountedInEveryZone(t *testing.T) {
	inKathmandu(t)
	require.Equal(t, schema.Day("2026-03-01"), schema.Day("2026-02-28").Plus(1))
	require.Equal(t, schema.Day("2024-02-29"), schema.Day("2024-03-01").Plus(-1))
	require.Equal(t, schema.Day("2027-01-01"), schema.Day("2026-01-01").Plus(365))
	for last, days := range map[schema.Day]int{"2026-02-27": 1, "2026-02-28": 2, "2026-03-01": 3, "2027-02-26": 365, "2026-02-26": 0, "2026-02-25": 0, "2020-01-01": 0} {
		require.Equal(t, days, schema.Day("2026-02-27").DaysTo(last), last)
		require.Len(t, schema.Day("2026-02-27").To(last), days)
	}
	require.Equal(t, []schema.Day{"2026-02-27", "2026-02-28", "2026-03-01"}, schema.Day("2026-02-27").To("2026-03-01"))
}

func TestADayIsParsedStrictly(t *testing.T) {
	day, ok := schema.ParseDay("2024-02-29")
	require.True(t, ok)
	require.Equal(t, schema.Day("2024-02-29"), day)
	for _, wrong := range []string{"", "2026-02-29", "2026-2-28", "2026-02-28 ", "2026-02-28T00:00:00Z", "28-02-2026", "2026-13-01", "20260228", "2026-00-10"} {
		day, ok := schema.ParseDay(wrong)
		require.False(t, ok, wrong)
		require.Zero(t, day)
	}
}
