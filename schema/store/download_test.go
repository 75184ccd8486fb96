package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestDownloadEndsByTheDatabasesClockEvenWithoutASweep(t *testing.T) {
	s := open(t)
	o := collected(t, s)
	_, err := s.Download(t.Context(), o.Account, o.Export)
	require.Equal(t, schema.Conflict, schema.KindOf(err), "not ready: %v", err)
	a := anArchive(o.Export)
	segments := []schema.Segment{{TextOffset: 0, GzipOffset: 0}, {TextOffset: 50, GzipOffset: 5}}
	require.NoError(t, s.AddSegments(t.Context(), o.Export, a.ObjectKey, segments))
	require.NoError(t, s.AddSegments(t.Context(), o.Export, "another attempt", segments[:1]))
	e, err := s.CompleteExport(t.Context(), o.Export, a, schema.Windows{Download: 700 * time.Millisecond, Cooldown: time.Hour})
	require.NoError(t, err)
	require.Equal(t, 700*time.Millisecond, e.ExpiresAt.Sub(*e.CompletedAt))

	d, err := s.Download(t.Context(), o.Account, o.Export)
	require.NoError(t, err)
	require.Equal(t, a, d.Archive)
	require.Equal(t, segments, d.Segments)
	require.Equal(t, []byte("wrapped"), d.Wrapped)

	require.Eventually(t, func() bool {
		_, err := s.Download(t.Context(), o.Account, o.Export)
		return schema.KindOf(err) == schema.Gone
	}, 5*time.Second, 20*time.Millisecond)
}

func TestADownloadUnderWayMayGoOnUntilTheArchiveIsDeleted(t *testing.T) {
	s := open(t)
	o := collected(t, s)
	a := anArchive(o.Export)
	require.NoError(t, s.AddSegments(t.Context(), o.Export, a.ObjectKey, []schema.Segment{{}}))
	_, err := s.CompleteExport(t.Context(), o.Export, a, schema.DefaultWindows())
	require.NoError(t, err)
	d, err := s.Download(t.Context(), o.Account, o.Export)
	require.NoError(t, err)
	require.InDelta(t, schema.DefaultWindows().Download, d.Left(), float64(time.Minute))
	require.NoError(t, s.DownloadAllowed(t.Context(), o.Account, o.Export))
	require.Equal(t, schema.Gone, schema.KindOf(s.DownloadAllowed(t.Context(), schema.NewAccountID(), o.Export)))

	exec(t, s.DB, `delete from satchel.export_keys`)
	require.Equal(t, schema.Gone, schema.KindOf(s.DownloadAllowed(t.Context(), o.Account, o.Export)), "deleted early")
	exec(t, s.DB, `update satchel.exports set expires_at = statement_timestamp() - interval '1 second'`)
	require.NoError(t, s.DownloadAllowed(t.Context(), o.Account, o.Export), "its key is destroyed because it has expired")
	exec(t, s.DB, `update satchel.exports set status = 'expired', reason = $1`, schema.ReasonDeleted)
	require.Equal(t, schema.Gone, schema.KindOf(s.DownloadAllowed(t.Context(), o.Account, o.Export)), "whenever that is noticed")
}
