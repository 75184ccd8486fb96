package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestOverdueExportsAreFound(t *testing.T) {
	s := open(t)
	o := collected(t, s)
	found := func() []string {
		list, err := s.Overdue(t.Context(), time.Millisecond, "", 10)
		require.NoError(t, err)
		var ids []string
		for _, e := range list {
			ids = append(ids, e.ID)
		}
		return ids
	}
	require.Eventually(t, func() bool { return len(found()) == 1 }, 5*time.Second, 10*time.Millisecond, "requested a while ago")
	_, err := s.CompleteExport(t.Context(), o.Export, anArchive(o.Export), schema.DefaultWindows())
	require.NoError(t, err)
	require.Empty(t, found(), "its window is open")
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{Status: schema.Expired, Reason: schema.ReasonDeleted}, "US", schema.Certificate{}))
	require.Empty(t, found())
	_, err = s.SQL().Exec(`insert into satchel.export_keys (export_id, wrapped) values ($1, 'w')`, o.Export)
	require.NoError(t, err)
	require.Equal(t, []string{o.Export}, found(), "ended, and its key still exists, as after a restored backup")
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{}, "", schema.Certificate{}))
	require.Empty(t, found())

	active, err := s.ActiveIDs(t.Context(), []string{o.Export, confirmed(t, s).Export, schema.NewExportID()})
	require.NoError(t, err)
	require.Len(t, active, 1)
}

func TestARemovalWithoutACertificateIsOverdue(t *testing.T) {
	s := open(t)
	o := confirmed(t, s)
	_, err := s.BeginRemoval(t.Context(), o.Export, schema.Ending{Status: schema.Cancelled, Reason: schema.ReasonCancelled}, "US")
	require.NoError(t, err)
	var found []schema.OverdueExport
	require.Eventually(t, func() bool {
		found, err = s.Overdue(t.Context(), time.Millisecond, "", 10)
		return err == nil && len(found) == 1
	}, 5*time.Second, 10*time.Millisecond)
	require.True(t, found[0].HandledByWorkflow)
	require.Equal(t, schema.Cancelled, found[0].Status)
	active, err := s.ActiveIDs(t.Context(), []string{o.Export})
	require.NoError(t, err)
	require.True(t, active[o.Export], "what it has stored is still to be counted")
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{}, "", schema.Certificate{}))
	found, err = s.Overdue(t.Context(), 0, "", 10)
	require.NoError(t, err)
	require.Empty(t, found)
}
