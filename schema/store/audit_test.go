package store_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/store"
	"satchel/schema/store/sqlstate"
)

func TestATrailHoldsTheAccountsRowsInOrderAndEachActorsDownloadsOnce(t *testing.T) {
	s := open(t)
	o, other := confirmed(t, s), confirmed(t, s)
	for range 2 {
		require.NoError(t, s.Audit(t.Context(), store.AuditEvent{Account: o.Account, Subject: o.Export, Actor: o.RequestedBy, Action: store.ActionDownloaded}))
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
		select $1, $2, $3, 'downloaded', '{}' from generate_series(1, 6000)`, o.Account, o.Export, o.Account)
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
	execAsOwner(t, s.DB, `update satchel.audit set at = at - interval '1 hour' where id = (select min(id) from satchel.audit where action = $1)`, store.ActionResendRequested)
	wait, err = s.AuditWithinLimit(t.Context(), resend, 2, time.Hour)
	require.NoError(t, err)
	require.Zero(t, wait, "the oldest has left the window")
}

func TestThePartsOfOneDownloadAreOneRow(t *testing.T) {
	db := openDB(t)
	download := func(actor string, whole bool) {
		require.NoError(t, db.AuditDownload(t.Context(), store.AuditEvent{Account: "AC1", Subject: "EX1", Actor: actor}, whole))
	}
	var parts sync.WaitGroup
	for range 8 { // a download manager
		parts.Go(func() {
			for range 5 {
				download("US1", false)
			}
		})
	}
	parts.Wait()
	require.Len(t, audited(t, db, "EX1"), 1)
	require.Equal(t, store.AuditEvent{Account: "AC1", Subject: "EX1", Actor: "US1", Action: store.ActionDownloaded}, audited(t, db, "EX1")[0])
	download("US2", false)
	require.Len(t, audited(t, db, "EX1"), 2, "each actor has a row")

	download("US3", true)
	download("US3", false) // resumed
	require.Len(t, audited(t, db, "EX1"), 3)
	download("US3", true)
	require.Len(t, audited(t, db, "EX1"), 4, "another download")
	execAsOwner(t, db, `update satchel.audit set at = at - interval '1 day'`)
	download("US1", false)
	require.Len(t, audited(t, db, "EX1"), 5)
}

func TestTheProgramsMayAddToTheAuditTrailAndNotChangeIt(t *testing.T) {
	s := open(t)
	require.NoError(t, s.Audit(t.Context(), store.AuditEvent{Account: "AC1", Subject: "EX1", Actor: "US1", Action: store.ActionRequested}))
	for _, statement := range []string{
		`update satchel.audit set actor = 'US2'`, `delete from satchel.audit`, `truncate satchel.audit`, `drop table satchel.audit`,
	} {
		_, err := s.SQL().Exec(statement)
		require.True(t, sqlstate.Is(err, sqlstate.InsufficientPrivilege), "%s: %v", statement, err)
	}
	require.Len(t, audited(t, s.DB, "EX1"), 1)
}
