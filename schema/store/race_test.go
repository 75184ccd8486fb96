package store_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/store"
)

// late runs what in a transaction that commits only once whatever runs
// meanwhile waits for it.
func late(t *testing.T, s *store.Store, what string, args []any, meanwhile func() error) {
	t.Helper()
	tx, err := s.DB().Begin()
	require.NoError(t, err)
	defer tx.Rollback() //nolint:errcheck // it was committed, or the test has failed
	_, err = tx.Exec(what, args...)
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- meanwhile() }()
	require.Eventually(t, func() bool { return waiting(t, s.DB()) > 0 || len(ended) > 0 }, 10*time.Second, 5*time.Millisecond)
	require.NoError(t, tx.Commit())
	require.NoError(t, <-ended)
}

func waiting(t *testing.T, db *sql.DB) (n int) {
	require.NoError(t, db.QueryRow(`select count(*) from pg_stat_activity
		where datname = current_database() and wait_event_type = 'Lock'`).Scan(&n))
	return n
}

func rows(t *testing.T, s *store.Store, table, export string) (n int) {
	require.NoError(t, s.DB().QueryRow(`select count(*) from satchel.`+table+` where export_id = $1`, export).Scan(&n))
	return n
}

func end(s *store.Store, export string) func() error {
	return func() error {
		return s.EndExport(context.Background(), export, schema.Ending{Status: schema.Cancelled, Reason: schema.CancelledReason}, "US", schema.Certificate{})
	}
}

// The statement is AddPiece's own, held open.
func TestAPieceThatIsCountedWhileTheExportEndsIsForgotten(t *testing.T) {
	s := open(t)
	o := confirmed(t, s)
	late(t, s, `with place as (select 1 from satchel.exports where id = $1 and status = 'processing' for share)
		insert into satchel.pieces (export_id, category, seq, object_key, records, text_bytes, gzip_bytes, sha256, first_key, last_key, read_at)
		select $1, 'calls', 0, 'key', 1, 1, 1, 'aa', 'a', 'a', now() from place`, []any{o.Export}, end(s, o.Export))
	require.Zero(t, rows(t, s, "pieces", o.Export))
}

func TestAKeyThatIsMadeWhileTheExportEndsIsDestroyed(t *testing.T) {
	s, o := open(t), anOpening()
	require.NoError(t, s.OpenExport(t.Context(), o))
	late(t, s, `with confirmed as (update satchel.exports set status = 'confirmed', confirmed_at = now(), recipient = 'r'
			where id = $1 and status = 'pending' returning id)
		insert into satchel.export_keys (export_id, wrapped) select id, 'w' from confirmed`, []any{o.Export}, end(s, o.Export))
	require.Zero(t, rows(t, s, "export_keys", o.Export))
	e, err := s.Export(t.Context(), o.Export)
	require.NoError(t, err)
	require.Equal(t, schema.Cancelled, e.Status)
}

func TestPlacesOfAnArchiveNobodyWantsAreNotKept(t *testing.T) {
	s := open(t)
	o := collected(t, s)
	require.NoError(t, end(s, o.Export)())
	err := s.AddSegments(t.Context(), o.Export, "key", []schema.Segment{{}})
	require.ErrorIs(t, err, schema.ErrOvertaken)
	require.Zero(t, rows(t, s, "segments", o.Export))
}

// A forgotten attempt to open an export must not push aside the one that the
// account has now.
func TestAnOpeningThatComesLateIsRefused(t *testing.T) {
	s, stale := open(t), anOpening()
	now := anOpening()
	now.Account, now.RequestedAt = stale.Account, stale.RequestedAt.Add(time.Second)
	require.NoError(t, s.OpenExport(t.Context(), now))
	require.Equal(t, schema.Conflict, schema.KindOf(s.OpenExport(t.Context(), stale)))
	e, err := s.Export(t.Context(), now.Export)
	require.NoError(t, err)
	require.Equal(t, schema.Pending, e.Status)
}

// Removal of what another run has ended is removal, too, and proves it once.
func TestWhateverIsRemovedHasACertificate(t *testing.T) {
	s := open(t)
	lost := confirmed(t, s)
	next := anOpening()
	next.Account = lost.Account
	require.NoError(t, s.OpenExport(t.Context(), next), "and settles the lost one")
	failed := schema.Ending{Status: schema.Failed, Reason: schema.InterruptedReason}
	require.NoError(t, s.EndExport(t.Context(), lost.Export, failed, "satchel", schema.Certificate{Objects: 3}))
	require.NoError(t, s.EndExport(t.Context(), lost.Export, failed, "satchel", schema.Certificate{}))
	n, err := s.CountSince(t.Context(), lost.Export, store.Removed, time.Hour)
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

func TestLinkGenerationsOnlyGoForward(t *testing.T) {
	s, o := open(t), anOpening()
	require.NoError(t, s.OpenExport(t.Context(), o))
	for _, generation := range []int{3, 2} {
		require.NoError(t, s.NextGeneration(t.Context(), o.Export, generation))
	}
	e, err := s.Export(t.Context(), o.Export)
	require.NoError(t, err)
	require.Equal(t, 3, e.Generation)
}

// A host that dies in the middle leaves a transaction open that holds locks.
func TestATransactionThatStandsStillIsEndedByTheServer(t *testing.T) {
	s, o := open(t), anOpening()
	require.NoError(t, s.OpenExport(t.Context(), o))
	_, err := s.DB().Exec(`create table public.seen (value text);
		create function public.spy() returns trigger language plpgsql as $$
		begin insert into public.seen values (current_setting('idle_in_transaction_session_timeout')); return new; end $$;
		create trigger spy before update on satchel.exports for each row execute function public.spy()`)
	require.NoError(t, err)
	require.NoError(t, s.ConfirmExport(t.Context(), o.Export, o.RequestedBy, "r", []byte("w")))
	var value string
	require.NoError(t, s.DB().QueryRow(`select value from public.seen`).Scan(&value))
	require.Equal(t, "30s", value)
	require.NoError(t, s.DB().QueryRow(`select current_setting('idle_in_transaction_session_timeout')`).Scan(&value))
	require.Equal(t, "0", value, "and only within it")
}
