package source_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/store/source"
)

// appendAll appends the records that are left.
func appendAll(rows interface {
	AppendRow(dst []byte) ([]byte, error)
}, records *[]string,
) error {
	for {
		record, err := rows.AppendRow(nil)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		*records = append(*records, string(record))
	}
}

func stalled(t *testing.T, err error) {
	t.Helper()
	var known *schema.Error
	require.ErrorAs(t, err, &known)
	require.Equal(t, schema.CodeSourceStalled, known.Code, "%v", err)
	require.Equal(t, schema.Unavailable, known.Kind, "it is tried again")
}

// freeze stops the one server process that serves a transaction, until the test ends.
func freeze(t *testing.T, writer *sql.DB) {
	t.Helper()
	var pid int
	require.NoError(t, writer.QueryRow(`select pid from pg_stat_activity
		where application_name = 'satchel' and datname = current_database() and state = 'idle in transaction'`).Scan(&pid))
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
}

func TestAFrozenServerProcessEndsTheReadAtTheStallLimit(t *testing.T) {
	t.Parallel()
	db, writer := open(t, wide)
	db.SetLimits(source.Limits{RecordBytes: 1 << 20, Stall: 2 * time.Second})
	waiting := make(chan bool, 10)
	ctx := schema.WithWaitObserver(t.Context(), func(is bool) { waiting <- is })
	stalled(t, db.Read(ctx, ofWide, "AC1", "", func(s *source.Snapshot) error {
		freeze(t, writer)
		_, err := s.AppendRow(nil)
		return err
	}))
	require.True(t, <-waiting)
	db.SetLimits(source.DefaultLimits)
	records, _ := read(t, db, ofWide, "AC2", "")
	require.Len(t, records, 4000, "another connection serves the next read")
}

func TestALockThatIsNeverGivenUpEndsTheReadAtTheStallLimit(t *testing.T) {
	t.Parallel()
	db, writer := open(t, wide)
	db.SetLimits(source.Limits{RecordBytes: 1 << 20, Stall: time.Second})
	tx, err := writer.Begin()
	require.NoError(t, err)
	_, err = tx.Exec(`lock table wide`)
	require.NoError(t, err)
	stalled(t, db.Read(t.Context(), ofWide, "AC2", "", func(*source.Snapshot) error { return nil }))
	_, err = db.Directory(source.DirectoryQueries{Account: `select v as id, v as name from wide where account = $1`}).Account(t.Context(), "AC2")
	stalled(t, err)
	stalled(t, db.Read(t.Context(), `select 1 as _key, 1 as v where $1 <> ''`, "AC2", "", func(s *source.Snapshot) error {
		_, err := s.Has(ofWide, "AC2")
		return err
	}))
	require.NoError(t, tx.Rollback())
	db.SetLimits(source.DefaultLimits)
	records, _ := read(t, db, ofWide, "AC2", "")
	require.Len(t, records, 4000)
}

func TestAReaderThatTakesItsTimeIsNoStall(t *testing.T) {
	t.Parallel()
	db, writer := open(t, wide)
	db.SetLimits(source.Limits{RecordBytes: 1 << 20, Stall: 2 * time.Second})
	var records []string
	require.NoError(t, db.Read(t.Context(), ofWide, "AC2", "", func(s *source.Snapshot) error {
		_, err := s.AppendRow(nil)
		require.NoError(t, err)
		_, err = writer.Exec(`select pg_sleep(3)`)
		require.NoError(t, err)
		return appendAll(s, &records)
	}))
	require.Len(t, records, 3999)
}

func TestACancelledReadIsNoStall(t *testing.T) {
	t.Parallel()
	db, _ := open(t, wide)
	ctx, cancel := context.WithCancel(t.Context())
	err := db.Read(ctx, ofWide, "AC2", "", func(s *source.Snapshot) error {
		cancel()
		_, err := s.AppendRow(nil)
		return err
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, schema.KindOf(err))
}
