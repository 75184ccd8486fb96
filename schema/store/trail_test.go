package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/store"
)

func TestATrailHoldsTheAccountsOwnDeedsInOrderAndAResumedDownloadOnce(t *testing.T) {
	s := open(t)
	o, other := confirmed(t, s), confirmed(t, s)
	for _, from := range []int{0, 100, 0} {
		require.NoError(t, s.Audit(t.Context(), store.Event{Account: o.Account, Subject: o.Export, Actor: o.RequestedBy, Action: store.Downloaded, Details: map[string]any{"from": from}}))
	}
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{Status: schema.Cancelled, Reason: schema.CancelledReason}, o.RequestedBy, schema.Certificate{Objects: 7}))

	trails, err := s.Trails(t.Context(), o.Account, []string{o.Export, other.Export})
	require.NoError(t, err)
	require.Len(t, trails, 1, "another account's is not there")
	var actions []store.Action
	for _, d := range trails[o.Export] {
		actions = append(actions, d.Action)
		require.Equal(t, o.RequestedBy, d.Actor)
		require.False(t, d.At.IsZero())
	}
	require.Equal(t, []store.Action{store.Requested, store.ConfirmedBy, store.Downloaded, store.Downloaded, store.Removed}, actions)
	require.Equal(t, 7, trails[o.Export][4].Objects)

	trails, err = s.Trails(t.Context(), o.Account, nil)
	require.NoError(t, err)
	require.Empty(t, trails)
}
