package source_test

import (
	"database/sql"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"satchel/dev/testservices"
	"satchel/schema/store/source"
)

// inKathmandu sets the time zone of a database's new sessions. Kathmandu is 5:45
// ahead of UTC, so that neither its hours nor its days are those of UTC.
const inKathmandu = `do $$ begin execute format('alter database %I set timezone = ''Asia/Kathmandu''', current_database()); end $$`

// TestMain runs all tests of this package in another time zone than UTC.
func TestMain(m *testing.M) {
	time.Local = time.FixedZone("Asia/Kathmandu", (5*60+45)*60)
	testservices.Main(m)
}

// open makes a database for the test, runs the statements in it, and opens it
// for reading and, separately, for writing.
func open(t testing.TB, statements ...string) (*source.DB, *sql.DB) {
	t.Helper()
	url := testservices.EmptyDatabase(t)
	return openURL(t, url, statements...)
}

func openURL(t testing.TB, url string, statements ...string) (*source.DB, *sql.DB) {
	t.Helper()
	connector, err := pq.NewConnector(url)
	require.NoError(t, err)
	writer := sql.OpenDB(connector)
	t.Cleanup(func() { require.NoError(t, writer.Close()) })
	for _, statement := range statements {
		_, err := writer.Exec(statement)
		require.NoError(t, err, statement)
	}
	db, err := source.Open(t.Context(), url, 4)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db, writer
}

// encoded makes a database with another encoding and returns its URL.
func encoded(t testing.TB, encoding string) string {
	t.Helper()
	address := testservices.EmptyDatabase(t)
	admin, err := sql.Open("postgres", address)
	require.NoError(t, err)
	name := "test_" + strings.ToLower(encoding)
	_, err = admin.Exec("create database " + name + " template template0 locale 'C' encoding '" + encoding + "'")
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := admin.Exec("drop database " + name + " with (force)")
		require.NoError(t, err)
		require.NoError(t, admin.Close())
	})
	u, err := url.Parse(address)
	require.NoError(t, err)
	u.Path = "/" + name
	return u.String()
}

// read returns the rows after a key, and their keys.
func read(t testing.TB, db *source.DB, query, account, after string) (records, keys []string) {
	t.Helper()
	err := db.Read(t.Context(), query, account, after, func(s *source.Snapshot) error {
		for {
			record, err := s.AppendRow(nil)
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			records, keys = append(records, string(record)), append(keys, s.Key())
		}
	})
	require.NoError(t, err)
	return records, keys
}

// eventually waits until is returns true.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	require.Eventually(t, is, 20*time.Second, 20*time.Millisecond, what)
}
