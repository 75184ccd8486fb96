package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestADeletedSessionIsNotWrittenBack(t *testing.T) {
	sessions := open(t).Sessions()
	until := time.Now().Add(time.Hour)
	require.NoError(t, sessions.CommitCtx(t.Context(), "a", []byte("Ada"), until))
	require.NoError(t, sessions.CommitCtx(t.Context(), "a", []byte("Ada, again"), until))
	data, found, err := sessions.FindCtx(t.Context(), "a")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "Ada, again", string(data))
	require.NoError(t, sessions.DeleteCtx(t.Context(), "a"))
	require.NoError(t, sessions.CommitCtx(t.Context(), "a", []byte("Ada"), until), "a request was under way")
	_, found, err = sessions.FindCtx(t.Context(), "a")
	require.NoError(t, err)
	require.False(t, found)
}

func TestSessionsEndByTheDatabasesClock(t *testing.T) {
	sessions := open(t).Sessions()
	require.NoError(t, sessions.CommitCtx(t.Context(), "a", []byte("data"), time.Now().Add(time.Hour)))
	require.NoError(t, sessions.CommitCtx(t.Context(), "b", []byte("old"), time.Now().Add(-time.Hour)))
	data, found, err := sessions.FindCtx(t.Context(), "a")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, []byte("data"), data)
	_, found, err = sessions.FindCtx(t.Context(), "b")
	require.NoError(t, err)
	require.False(t, found)
	require.NoError(t, sessions.DeleteCtx(t.Context(), "a"))
	_, found, err = sessions.FindCtx(t.Context(), "a")
	require.NoError(t, err)
	require.False(t, found)
}

func TestASessionLastsAsLongWhateverTheServersClockSays(t *testing.T) {
	for _, skew := range []time.Duration{-time.Hour, time.Hour} {
		db := open(t)
		sessions := db.Sessions()
		sessions.Now = func() time.Time { return time.Now().Add(skew) }
		require.NoError(t, sessions.CommitCtx(t.Context(), "a", []byte("Ada"), sessions.Now().Add(30*time.Minute)))
		_, found, err := sessions.FindCtx(t.Context(), "a")
		require.NoError(t, err)
		require.True(t, found)
		var left float64
		require.NoError(t, db.SQL().QueryRow(`select extract(epoch from expiry - clock_timestamp()) from satchel.sessions`).Scan(&left))
		require.InDelta(t, (30 * time.Minute).Seconds(), left, 60)
	}
}
