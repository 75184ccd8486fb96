package store_test

import (
	"testing"

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
