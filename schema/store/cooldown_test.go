package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestTheActiveCooldownIsThatOfTheLatestCompletedExport(t *testing.T) {
	s := open(t)
	o := collected(t, s)
	_, cooling, err := s.ActiveCooldown(t.Context(), o.Account)
	require.NoError(t, err)
	require.False(t, cooling, "it is not completed")
	_, err = s.CompleteExport(t.Context(), o.Export, anArchive(o.Export), schema.DefaultWindows())
	require.NoError(t, err)
	e, cooling, err := s.ActiveCooldown(t.Context(), o.Account)
	require.NoError(t, err)
	require.True(t, cooling)
	require.Equal(t, o.Export, e.ID)
	_, cooling, err = s.ActiveCooldown(t.Context(), schema.NewAccountID())
	require.NoError(t, err)
	require.False(t, cooling, "another account")
	exec(t, s.DB, `update satchel.exports set available_again_at = clock_timestamp() - interval '1 second'`)
	_, cooling, err = s.ActiveCooldown(t.Context(), o.Account)
	require.NoError(t, err)
	require.False(t, cooling, "it is over")
}

func TestAnAccountThatRequestsTooOftenMustWaitForItsOldestRequest(t *testing.T) {
	s := open(t)
	o := newExport()
	for i := range 3 {
		wait, err := s.RequestWait(t.Context(), o.Account, 3, time.Hour)
		require.NoError(t, err)
		require.Zero(t, wait)
		o.Export, o.RequestedAt = schema.NewExportID(), time.Now().Add(time.Duration(i-30)*time.Minute)
		require.NoError(t, s.OpenExport(t.Context(), o))
		require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{Status: schema.Cancelled, Reason: schema.ReasonCancelled}, o.RequestedBy, schema.Certificate{}))
	}
	wait, err := s.RequestWait(t.Context(), o.Account, 3, time.Hour)
	require.NoError(t, err)
	require.InDelta(t, 30*time.Minute, wait, float64(time.Minute))
	wait, err = s.RequestWait(t.Context(), schema.NewAccountID(), 3, time.Hour)
	require.NoError(t, err)
	require.Zero(t, wait, "another account")
}
