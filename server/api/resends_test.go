package api_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/server/api"
)

func TestResendsAreThreeInAnyHour(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	ago := func(minutes ...int) (at []time.Time) {
		for _, m := range minutes {
			at = append(at, now.Add(-time.Duration(m)*time.Minute))
		}
		return at
	}
	for _, c := range []struct {
		before []time.Time
		left   int
		again  time.Time
	}{
		{nil, 3, time.Time{}},
		{ago(59), 2, time.Time{}},
		{ago(60, 59), 2, time.Time{}},
		{ago(50, 40, 30), 0, now.Add(10 * time.Minute)},
		{ago(100, 70, 50, 40, 30), 0, now.Add(10 * time.Minute)},
		{ago(55, 50, 40, 30), 0, now.Add(10 * time.Minute)},
	} {
		left, again := api.Resends(c.before, now)
		require.Equal(t, c.left, left)
		require.Equal(t, c.again, again)
	}
}
