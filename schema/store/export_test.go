package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/store"
)

func end(s *store.AccountExports, export string) func() error {
	return func() error {
		return s.EndExport(context.Background(), export, schema.Ending{Status: schema.Cancelled, Reason: schema.ReasonCancelled}, "US", schema.Certificate{})
	}
}

// A stale attempt to open an export must not fail the one that the account has
// now.
func TestAStaleOpeningIsRejected(t *testing.T) {
	s, stale := open(t), newExport()
	now := newExport()
	now.Account, now.RequestedAt = stale.Account, stale.RequestedAt.Add(time.Second)
	require.NoError(t, s.OpenExport(t.Context(), now))
	require.Equal(t, schema.Conflict, schema.KindOf(s.OpenExport(t.Context(), stale)))
	e, err := s.Export(t.Context(), now.Export)
	require.NoError(t, err)
	require.Equal(t, schema.Pending, e.Status)
}

func TestLinkVersionsOnlyGrow(t *testing.T) {
	s, o := open(t), newExport()
	require.NoError(t, s.OpenExport(t.Context(), o))
	for _, version := range []int{3, 2} {
		require.NoError(t, s.SetLinkVersion(t.Context(), o.Export, version))
	}
	e, err := s.Export(t.Context(), o.Export)
	require.NoError(t, err)
	require.Equal(t, 3, e.LinkVersion)
}

func newExport() schema.NewExport {
	now := time.Now().UTC().Truncate(time.Microsecond)
	return schema.NewExport{Export: schema.NewExportID(), Account: schema.NewAccountID(), RequestedBy: schema.NewUserID(),
		RequestedAt: now, ConfirmBy: now.Add(24 * time.Hour)}
}

// confirmed opens and confirms an export and starts its first collector.
func confirmed(t *testing.T, s *store.AccountExports) schema.NewExport {
	o := newExport()
	require.NoError(t, s.OpenExport(t.Context(), o))
	require.NoError(t, s.ConfirmExport(t.Context(), o.Export, o.RequestedBy, "age1recipient", []byte("wrapped")))
	_, err := s.StartCollecting(t.Context(), o.Export)
	require.NoError(t, err)
	return o
}

func collected(t *testing.T, s *store.AccountExports) schema.NewExport {
	o := confirmed(t, s)
	for _, c := range schema.Categories {
		require.NoError(t, s.FinishCategory(t.Context(), o.Export, c, "", schema.Checkpoint{}, time.Now()))
	}
	return o
}

func anArchive(export string) schema.Archive {
	return schema.Archive{ObjectKey: schema.ExportPrefix(export) + "archive-1", Size: 100, SHA256: "aa", GzipSize: 10, GzipSHA256: "bb"}
}

func TestOpeningAnExportAgainChangesNothing(t *testing.T) {
	s, o := open(t), newExport()
	require.NoError(t, s.OpenExport(t.Context(), o))
	require.NoError(t, s.OpenExport(t.Context(), o))
	e, err := s.AccountExport(t.Context(), o.Account, o.Export)
	require.NoError(t, err)
	require.Equal(t, schema.Pending, e.Status)
	require.Len(t, e.Categories, len(schema.Categories))
	for i, c := range e.Categories {
		require.Equal(t, schema.Categories[i], c.Name, "archive order")
		require.Nil(t, c.Expected)
	}
	require.Equal(t, []store.Action{store.ActionRequested}, actions(t, s.DB, o.Export))
}

func TestAnExportThatLostItsWorkflowFailsWhenTheNextIsOpened(t *testing.T) {
	s, lost := open(t), newExport()
	require.NoError(t, s.OpenExport(t.Context(), lost))
	next := newExport()
	next.Account = lost.Account
	require.NoError(t, s.OpenExport(t.Context(), next))
	e, err := s.Export(t.Context(), lost.Export)
	require.NoError(t, err)
	require.Equal(t, schema.Failed, e.Status)
	require.Equal(t, schema.ReasonInterrupted, e.Reason)
	overdue, err := s.Overdue(t.Context(), -time.Minute, "", 10)
	require.NoError(t, err)
	var found []string
	for _, o := range overdue {
		found = append(found, o.ID)
	}
	require.Contains(t, found, lost.Export, "its owners are still to be notified, and its removal certified")
}

func TestExportsOfOtherAccountsAreNotFound(t *testing.T) {
	s, o := open(t), newExport()
	require.NoError(t, s.OpenExport(t.Context(), o))
	_, foreign := s.AccountExport(t.Context(), schema.NewAccountID(), o.Export)
	_, unknown := s.AccountExport(t.Context(), o.Account, schema.NewExportID())
	require.Equal(t, schema.NotFound, schema.KindOf(foreign))
	require.Equal(t, unknown, foreign)
	_, err := s.Download(t.Context(), schema.NewAccountID(), o.Export)
	require.Equal(t, schema.NotFound, schema.KindOf(err))
}

func TestTheFirstKeyStays(t *testing.T) {
	s, o := open(t), newExport()
	require.NoError(t, s.OpenExport(t.Context(), o))
	require.NoError(t, s.ConfirmExport(t.Context(), o.Export, o.RequestedBy, "first", []byte("1")))
	require.NoError(t, s.ConfirmExport(t.Context(), o.Export, o.RequestedBy, "second", []byte("2")))
	recipient, err := s.StartCollecting(t.Context(), o.Export)
	require.NoError(t, err)
	require.Equal(t, "first", recipient)
	wrapped, err := s.WrappedKey(t.Context(), o.Export)
	require.NoError(t, err)
	require.Equal(t, []byte("1"), wrapped)
}

func TestCompletingAgainKeepsTheFirstTime(t *testing.T) {
	s := open(t)
	o := collected(t, s)
	w := schema.DefaultWindows()
	first, err := s.CompleteExport(t.Context(), o.Export, anArchive(o.Export), w)
	require.NoError(t, err)
	again, err := s.CompleteExport(t.Context(), o.Export, anArchive(o.Export), w)
	require.NoError(t, err)
	require.Equal(t, first.CompletedAt, again.CompletedAt)
}

func TestCooldownOutlivesTheWorkflow(t *testing.T) {
	s := open(t)
	o := collected(t, s)
	_, err := s.CompleteExport(t.Context(), o.Export, anArchive(o.Export), schema.DefaultWindows())
	require.NoError(t, err)
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{Status: schema.Expired, Reason: schema.ReasonDeleted}, "US", schema.Certificate{}))
	next := newExport()
	next.Account = o.Account
	require.Equal(t, schema.Conflict, schema.KindOf(s.OpenExport(t.Context(), next)))
}

func TestACancelledCompletionLeavesNoCooldown(t *testing.T) {
	s := open(t)
	o := collected(t, s)
	_, err := s.CompleteExport(t.Context(), o.Export, anArchive(o.Export), schema.DefaultWindows())
	require.NoError(t, err)
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{Status: schema.Cancelled, Reason: schema.ReasonCancelled}, "US", schema.Certificate{}))
	next := newExport()
	next.Account = o.Account
	require.NoError(t, s.OpenExport(t.Context(), next))
}
