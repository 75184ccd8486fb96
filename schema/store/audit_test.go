package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/store"
)

func TestATrailHoldsTheAccountsRowsInOrderAndEachActorsDownloadsOnce(t *testing.T) {
	s := open(t)
	o, other := confirmed(t, s), confirmed(t, s)
	for _, from := range []int{0, 100, 0} { // the second resumes the first
		require.NoError(t, s.Audit(t.Context(), store.AuditEvent{Account: o.Account, Subject: o.Export, Actor: o.RequestedBy, Action: store.ActionDownloaded, Details: map[string]any{"from": from}}))
	}
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{Status: schema.Cancelled, Reason: schema.ReasonCancelled}, o.RequestedBy, schema.Certificate{Objects: 7}))

	trails, err := s.AuditTrails(t.Context(), o.Account, []string{o.Export, other.Export})
	require.NoError(t, err)
	require.Len(t, trails, 1, "without those of another account")
	var actions []store.Action
	for _, d := range trails[o.Export] {
		actions = append(actions, d.Action)
		require.Equal(t, o.RequestedBy, d.Actor)
		require.False(t, d.At.IsZero())
	}
	require.Equal(t, []store.Action{store.ActionRequested, store.ActionConfirmed, store.ActionDownloaded, store.ActionRemoved}, actions)
	require.EqualValues(t, 2, trails[o.Export][2].Times)
	require.Equal(t, 7, trails[o.Export][3].Objects)

	trails, err = s.AuditTrails(t.Context(), o.Account, nil)
	require.NoError(t, err)
	require.Empty(t, trails)
}

func TestManyDownloadsHideNoOtherRowOfATrail(t *testing.T) {
	s := open(t)
	o := confirmed(t, s)
	_, err := s.SQL().Exec(`insert into satchel.audit (account_sid, subject, actor, action, details)
		select $1, $2, $3, 'downloaded', '{"from": 0}' from generate_series(1, 6000)`, o.Account, o.Export, o.Account)
	require.NoError(t, err)
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{Status: schema.Cancelled, Reason: schema.ReasonCancelled}, o.RequestedBy, schema.Certificate{}))
	trails, err := s.AuditTrails(t.Context(), o.Account, []string{o.Export})
	require.NoError(t, err)
	trail := trails[o.Export]
	require.Len(t, trail, 4)
	require.EqualValues(t, 6000, trail[2].Times)
	require.Equal(t, store.ActionRemoved, trail[3].Action)
}

func TestAnActionIsAuditedOnlyWithinItsLimit(t *testing.T) {
	s := open(t)
	o := newExport()
	require.NoError(t, s.OpenExport(t.Context(), o))
	resend := store.AuditEvent{Account: o.Account, Subject: o.Export, Actor: o.RequestedBy, Action: store.ActionResendRequested}
	for range 2 {
		wait, err := s.AuditWithinLimit(t.Context(), resend, 2, time.Hour)
		require.NoError(t, err)
		require.Zero(t, wait)
	}
	wait, err := s.AuditWithinLimit(t.Context(), resend, 2, time.Hour)
	require.NoError(t, err)
	require.InDelta(t, time.Hour, wait, float64(time.Minute))
	require.Equal(t, []store.Action{store.ActionRequested, store.ActionResendRequested, store.ActionResendRequested}, actions(t, s.DB, o.Export))
	exec(t, s.DB, `update satchel.audit set at = at - interval '1 hour' where id = (select min(id) from satchel.audit where action = $1)`, store.ActionResendRequested)
	wait, err = s.AuditWithinLimit(t.Context(), resend, 2, time.Hour)
	require.NoError(t, err)
	require.Zero(t, wait, "the oldest has left the window")
}
