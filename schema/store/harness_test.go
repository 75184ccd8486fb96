package store_test

import (
	"context"
	"database/sql"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/store"
)

func TestMain(m *testing.M) { testservices.Main(m) }

// owners holds the URL of each test's database for the role that owns it.
var owners sync.Map

// openDB opens a database with the role and the grants of docs/running.md.
func openDB(t *testing.T) *store.DB {
	owner := testservices.Database(t)
	db, err := store.Open(testservices.AsApp(t, owner), 4)
	require.NoError(t, err)
	owners.Store(db, owner)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.Ready(t.Context()))
	return db
}

func open(t *testing.T) *store.AccountExports { return openDB(t).AccountExports() }

func openBulk(t *testing.T) *store.BulkExports { return openDB(t).BulkExports() }

func exec(t *testing.T, db *store.DB, query string, args ...any) {
	_, err := db.SQL().Exec(query, args...)
	require.NoError(t, err)
}

// execAsOwner executes what the role of the programs may not.
func execAsOwner(t *testing.T, db *store.DB, query string, args ...any) {
	url, ok := owners.Load(db)
	require.True(t, ok)
	owner, err := sql.Open("postgres", url.(string))
	require.NoError(t, err)
	defer owner.Close() //nolint:errcheck // nothing is lost by it
	_, err = owner.Exec(query, args...)
	require.NoError(t, err)
}

func count(t *testing.T, db *store.DB, table string) (n int) {
	require.NoError(t, db.SQL().QueryRow(`select count(*) from satchel.`+table).Scan(&n))
	return n
}

func countOf(t *testing.T, db *store.DB, table, export string) (n int) {
	require.NoError(t, db.SQL().QueryRow(`select count(*) from satchel.`+table+` where export_id = $1`, export).Scan(&n))
	return n
}

func eraseCalls(s *store.BulkExports, account, by string, calls []schema.Erasure) error {
	_, err := s.EraseCalls(context.Background(), schema.ErasureRecord{Account: account, By: by, Calls: calls})
	return err
}

// audited reads the audit rows of a subject, oldest first.
func audited(t *testing.T, db *store.DB, subject string) (list []store.AuditEvent) {
	rows, err := db.SQL().Query(`select account_sid, actor, action from satchel.audit where subject = $1 order by id`, subject)
	require.NoError(t, err)
	defer rows.Close() //nolint:errcheck // it was read to its end
	for rows.Next() {
		e := store.AuditEvent{Subject: subject}
		require.NoError(t, rows.Scan(&e.Account, &e.Actor, &e.Action))
		list = append(list, e)
	}
	require.NoError(t, rows.Err())
	return list
}

// actions reads what was done to a subject, oldest first.
func actions(t *testing.T, db *store.DB, subject string) (list []store.Action) {
	for _, e := range audited(t, db, subject) {
		list = append(list, e.Action)
	}
	return list
}

// lockWaits counts the sessions that wait for a lock.
func lockWaits(t *testing.T, db *store.DB) (n int) {
	require.NoError(t, db.SQL().QueryRow(`select count(*) from pg_stat_activity
		where datname = current_database() and wait_event_type = 'Lock'`).Scan(&n))
	return n
}

// race executes lock in a transaction, starts first, which must wait for it, and
// then second. It rolls the lock back once second has ended or waits too.
func race(t *testing.T, db *store.DB, lock string, args []any, first, second func()) {
	t.Helper()
	tx, err := db.SQL().Begin()
	require.NoError(t, err)
	defer tx.Rollback() //nolint:errcheck // it was rolled back, or the test has failed
	_, err = tx.Exec(lock, args...)
	require.NoError(t, err)
	var both sync.WaitGroup
	both.Go(first)
	require.Eventually(t, func() bool { return lockWaits(t, db) == 1 }, 10*time.Second, 5*time.Millisecond)
	ended := make(chan struct{})
	both.Go(func() { defer close(ended); second() })
	require.Eventually(t, func() bool {
		select {
		case <-ended:
			return true
		default:
			return lockWaits(t, db) == 2
		}
	}, 10*time.Second, 5*time.Millisecond)
	require.NoError(t, tx.Rollback())
	both.Wait()
}

// commitDuring executes a statement in a transaction that it commits once
// concurrent waits for it, or has ended.
func commitDuring(t *testing.T, db *store.DB, statement string, args []any, concurrent func() error) {
	t.Helper()
	tx, err := db.SQL().Begin()
	require.NoError(t, err)
	defer tx.Rollback() //nolint:errcheck // it was committed, or the test has failed
	_, err = tx.Exec(statement, args...)
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- concurrent() }()
	require.Eventually(t, func() bool { return lockWaits(t, db) > 0 || len(ended) > 0 }, 10*time.Second, 5*time.Millisecond)
	require.NoError(t, tx.Commit())
	require.NoError(t, <-ended)
}
