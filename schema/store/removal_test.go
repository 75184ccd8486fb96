package store_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/store"
)

// The statement locks and inserts as AddPiece does.
func TestAPieceAddedWhileTheExportEndsIsDeleted(t *testing.T) {
	s := open(t)
	o := confirmed(t, s)
	commitDuring(t, s.DB, `with locked as (select 1 from satchel.exports where id = $1 and status = 'processing' for share)
		insert into satchel.pieces (export_id, category, seq, object_key, records, text_bytes, gzip_bytes, sha256, first_key, last_key, read_at)
		select $1, 'calls', 0, 'key', 1, 1, 1, 'aa', 'a', 'a', now() from locked`, []any{o.Export}, end(s, o.Export))
	require.Zero(t, countOf(t, s.DB, "pieces", o.Export))
}

func TestAKeyWrittenWhileTheExportEndsIsDestroyed(t *testing.T) {
	s, o := open(t), newExport()
	require.NoError(t, s.OpenExport(t.Context(), o))
	commitDuring(t, s.DB, `with confirmed as (update satchel.exports set status = 'confirmed', confirmed_at = now(), recipient = 'r'
			where id = $1 and status = 'pending' returning id)
		insert into satchel.export_keys (export_id, wrapped) select id, 'w' from confirmed`, []any{o.Export}, end(s, o.Export))
	require.Zero(t, countOf(t, s.DB, "export_keys", o.Export))
	e, err := s.Export(t.Context(), o.Export)
	require.NoError(t, err)
	require.Equal(t, schema.Cancelled, e.Status)
}

// An export that another workflow has failed is removed and certified, too.
func TestEveryRemovalHasOneCertificate(t *testing.T) {
	s := open(t)
	lost := confirmed(t, s)
	next := newExport()
	next.Account = lost.Account
	require.NoError(t, s.OpenExport(t.Context(), next), "and fails the lost one")
	failed := schema.Ending{Status: schema.Failed, Reason: schema.ReasonInterrupted}
	require.NoError(t, s.EndExport(t.Context(), lost.Export, failed, "satchel", schema.Certificate{Objects: 3}))
	require.NoError(t, s.EndExport(t.Context(), lost.Export, failed, "satchel", schema.Certificate{}))
	require.Equal(t, 1, certificates(t, s.DB, lost.Export))
}

func TestRemovalDestroysTheKeyAndKeepsTheFirstEnding(t *testing.T) {
	s := open(t)
	o := collected(t, s)
	_, err := s.CompleteExport(t.Context(), o.Export, anArchive(o.Export), schema.DefaultWindows())
	require.NoError(t, err)
	begin := func(ending schema.Ending) {
		stored, err := s.BeginRemoval(t.Context(), o.Export, ending, "US")
		require.NoError(t, err)
		require.True(t, stored)
	}
	begin(schema.Ending{Status: schema.Expired, Reason: schema.ReasonDeleted})
	begin(schema.Ending{Status: schema.Expired, Reason: schema.ReasonWindowPassed})
	_, err = s.WrappedKey(t.Context(), o.Export)
	require.Equal(t, schema.Gone, schema.KindOf(err))
	_, err = s.Download(t.Context(), o.Account, o.Export)
	require.Equal(t, schema.Gone, schema.KindOf(err))
	e, err := s.Export(t.Context(), o.Export)
	require.NoError(t, err)
	require.Equal(t, schema.Completed, e.Status, "its file is not proven gone")
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{Status: schema.Expired, Reason: schema.ReasonWindowPassed}, "satchel", schema.Certificate{Objects: 3}))
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{Status: schema.Failed, Reason: "x"}, "US", schema.Certificate{Objects: 3}))
	e, err = s.Export(t.Context(), o.Export)
	require.NoError(t, err)
	require.Equal(t, schema.Expired, e.Status)
	require.Equal(t, schema.ReasonDeleted, e.Reason)
	require.Equal(t, 1, certificates(t, s.DB, o.Export))
}

func TestOneCertificateCoversAllAttempts(t *testing.T) {
	s := open(t)
	o := confirmed(t, s)
	_, err := s.BeginRemoval(t.Context(), o.Export, schema.Ending{Status: schema.Cancelled, Reason: schema.ReasonCancelled}, "US")
	require.NoError(t, err)
	require.NoError(t, s.AddRemoved(t.Context(), o.Export, schema.Certificate{Objects: 5, Uploads: 1}))
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{}, "satchel", schema.Certificate{Objects: 2, Versions: 3}))
	require.NoError(t, s.AddRemoved(t.Context(), o.Export, schema.Certificate{Objects: 2}))
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{}, "satchel", schema.Certificate{Objects: 2}))
	var actor, certificate string
	require.NoError(t, s.SQL().QueryRow(`select actor, details::text from satchel.audit where subject = $1 and action = 'removed'`, o.Export).Scan(&actor, &certificate))
	require.Equal(t, "US", actor)
	require.JSONEq(t, `{"objects":7,"versions":3,"uploads":1,"left":0}`, certificate)
	require.Equal(t, 1, countOf(t, s.DB, "removals", o.Export))
}

func TestExportsThatEndedBeforeTheRemovalsTableHaveTheirCertificate(t *testing.T) {
	s := open(t)
	o := confirmed(t, s)
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{Status: schema.Cancelled, Reason: schema.ReasonCancelled}, "US", schema.Certificate{Objects: 7}))
	migration, err := os.ReadFile("../migrations/satchel/00005_removals.sql")
	require.NoError(t, err)
	_, backfill, _ := strings.Cut(string(migration), "insert into")
	backfill, _, _ = strings.Cut(backfill, ";")
	_, err = s.SQL().Exec("delete from satchel.removals; insert into" + backfill)
	require.NoError(t, err)
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{}, "satchel", schema.Certificate{Objects: 1}))
	require.Equal(t, 1, certificates(t, s.DB, o.Export))
}

func certificates(t *testing.T, db *store.DB, export string) (n int) {
	for _, action := range actions(t, db, export) {
		if action == store.ActionRemoved {
			n++
		}
	}
	return n
}
