package line_test

import (
	"context"
	"database/sql"
	"net"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"satchel/dev/testservices"
	"satchel/schema/store/line"
)

func TestMain(m *testing.M) { testservices.Main(m) }

// freezable is a way to a database that can be frozen: connections stand, and
// nothing comes back.
type freezable struct {
	at     string
	frozen atomic.Bool
}

func newFreezable(t *testing.T, database string) *freezable {
	t.Helper()
	u, err := url.Parse(database)
	require.NoError(t, err)
	return &freezable{at: u.Host}
}

func (f *freezable) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	there, err := (&net.Dialer{}).DialContext(ctx, "tcp", f.at)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close() //nolint:errcheck // it has done its work
	here, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
	if err != nil {
		return nil, err
	}
	between, err := l.Accept()
	if err != nil {
		return nil, err
	}
	pass := func(to, from net.Conn) {
		defer to.Close()   //nolint:errcheck // it is over
		defer from.Close() //nolint:errcheck // it is over
		buf := make([]byte, 4096)
		for {
			n, err := from.Read(buf)
			if err != nil {
				return
			}
			if !f.frozen.Load() {
				_, _ = to.Write(buf[:n])
			}
		}
	}
	go pass(there, between)
	go pass(between, there)
	return here, nil
}

func open(t *testing.T) (*freezable, *sql.DB) {
	t.Helper()
	database := testservices.EmptyDatabase(t)
	f := newFreezable(t, database)
	c, err := pq.NewConnector(database)
	require.NoError(t, err)
	db := line.Open(c, f.dial)
	db.SetMaxOpenConns(2)
	t.Cleanup(func() { _ = db.Close() })
	require.NoError(t, db.PingContext(t.Context()))
	return f, db
}

func TestNothingIsWaitedForLongerThanItsContextSays(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(context.Context, *sql.DB) error{
		"ping": func(ctx context.Context, db *sql.DB) error { return db.PingContext(ctx) },
		"exec": func(ctx context.Context, db *sql.DB) error { _, err := db.ExecContext(ctx, "select 1"); return err },
		"query": func(ctx context.Context, db *sql.DB) error {
			var n int
			return db.QueryRowContext(ctx, "select $1::int", 1).Scan(&n)
		},
		"begin": func(ctx context.Context, db *sql.DB) error { _, err := db.BeginTx(ctx, nil); return err },
		"prepare": func(ctx context.Context, db *sql.DB) error {
			s, err := db.PrepareContext(ctx, "select 1")
			if err == nil {
				err = s.Close()
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, db := open(t)
			f.frozen.Store(true)
			for range 3 { // the last one needs a connection that is made anew
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				began := time.Now()
				require.Error(t, do(ctx, db))
				require.Less(t, time.Since(began), line.Grace+5*time.Second)
			}
			f.frozen.Store(false)
			require.NoError(t, do(t.Context(), db), "it answers again")
		})
	}
}

func TestATransactionCanEndWhereTheServerSaysNothing(t *testing.T) {
	t.Parallel()
	f, db := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	tx, err := db.BeginTx(ctx, nil)
	require.NoError(t, err)
	f.frozen.Store(true)
	ended := make(chan error)
	go func() { ended <- tx.Commit() }()
	cancel()
	select {
	case err := <-ended:
		require.Error(t, err)
	case <-time.After(line.Grace + 20*time.Second):
		require.Fail(t, "it is waited for")
	}
}

func TestAnEndThatComesLateSpoilsNothing(t *testing.T) {
	t.Parallel()
	_, db := open(t)
	db.SetMaxOpenConns(1)
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	var before, after int
	part, cancel := context.WithCancel(t.Context())
	require.NoError(t, tx.QueryRowContext(part, "select pg_backend_pid()").Scan(&before))
	cancel()
	_, err = tx.ExecContext(t.Context(), "select pg_sleep($1)", (line.Grace + time.Second).Seconds())
	require.NoError(t, err, "what was done under another context is over")
	require.NoError(t, tx.Commit())
	require.NoError(t, db.QueryRowContext(t.Context(), "select pg_backend_pid()").Scan(&after))
	require.Equal(t, before, after, "the connection is as good as it was")
}

func TestAConnectionWhoseLastContextIsOverClosesInOrder(t *testing.T) {
	t.Parallel()
	_, db := open(t)
	used, err := db.Conn(t.Context())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	_, err = used.ExecContext(ctx, "select 1")
	require.NoError(t, err)
	cancel()
	_, err = db.ExecContext(t.Context(), "select pg_sleep($1)", (line.Grace + time.Second).Seconds()) // on another
	require.NoError(t, err)
	require.NoError(t, used.Close())
	require.NoError(t, db.Close())
}

func TestALivingServerCancels(t *testing.T) {
	t.Parallel()
	_, db := open(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := db.ExecContext(ctx, "select pg_sleep(60)")
	require.Error(t, err)
	require.Less(t, time.Since(began), 30*time.Second)
}
