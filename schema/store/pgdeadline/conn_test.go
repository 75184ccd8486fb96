package pgdeadline_test

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
	"satchel/schema/store/pgdeadline"
)

func TestMain(m *testing.M) { testservices.Main(m) }

// proxy forwards to a database and can freeze: connections stay open and
// nothing passes in either direction.
type proxy struct {
	address string
	frozen  atomic.Bool
}

func newProxy(t *testing.T, database string) *proxy {
	t.Helper()
	u, err := url.Parse(database)
	require.NoError(t, err)
	return &proxy{address: u.Host}
}

func (p *proxy) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	upstream, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.address)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close() //nolint:errcheck // it accepts one connection
	client, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
	if err != nil {
		return nil, err
	}
	downstream, err := l.Accept()
	if err != nil {
		return nil, err
	}
	forward := func(to, from net.Conn) {
		defer to.Close()   //nolint:errcheck // the connection has ended
		defer from.Close() //nolint:errcheck // the connection has ended
		buf := make([]byte, 4096)
		for {
			n, err := from.Read(buf)
			if err != nil {
				return
			}
			if !p.frozen.Load() {
				_, _ = to.Write(buf[:n])
			}
		}
	}
	go forward(upstream, downstream)
	go forward(downstream, upstream)
	return client, nil
}

func open(t *testing.T, maxConns int) (*proxy, *sql.DB) {
	t.Helper()
	database := testservices.EmptyDatabase(t)
	p := newProxy(t, database)
	c, err := pq.NewConnector(database)
	require.NoError(t, err)
	db := sql.OpenDB(pgdeadline.Connector(c, p.dial))
	db.SetMaxOpenConns(maxConns)
	t.Cleanup(func() { _ = db.Close() })
	require.NoError(t, db.PingContext(t.Context()))
	return p, db
}

func TestAFrozenServerDelaysNoCallBeyondItsContext(t *testing.T) {
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
			p, db := open(t, 2)
			p.frozen.Store(true)
			for range 3 { // the last one has to dial again
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				start := time.Now()
				require.Error(t, do(ctx, db))
				require.Less(t, time.Since(start), pgdeadline.Grace+5*time.Second)
			}
			p.frozen.Store(false)
			require.NoError(t, do(t.Context(), db), "works again once the server answers")
		})
	}
}

func TestCommitOnAFrozenServerReturnsOnceItsContextEnds(t *testing.T) {
	t.Parallel()
	p, db := open(t, 2)
	ctx, cancel := context.WithCancel(t.Context())
	tx, err := db.BeginTx(ctx, nil)
	require.NoError(t, err)
	p.frozen.Store(true)
	ended := make(chan error)
	go func() { ended <- tx.Commit() }()
	cancel()
	select {
	case err := <-ended:
		require.Error(t, err)
	case <-time.After(pgdeadline.Grace + 20*time.Second):
		require.Fail(t, "commit still waits")
	}
}

func TestAnEarlierContextThatEndsDoesNotBreakTheConnection(t *testing.T) {
	t.Parallel()
	_, db := open(t, 1)
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	var before, after int
	queryCtx, cancel := context.WithCancel(t.Context())
	require.NoError(t, tx.QueryRowContext(queryCtx, "select pg_backend_pid()").Scan(&before))
	cancel()
	_, err = tx.ExecContext(t.Context(), "select pg_sleep($1)", (pgdeadline.Grace + time.Second).Seconds())
	require.NoError(t, err, "the ended context belongs to an earlier query")
	require.NoError(t, tx.Commit())
	require.NoError(t, db.QueryRowContext(t.Context(), "select pg_backend_pid()").Scan(&after))
	require.Equal(t, before, after, "the connection is still in use")
}

func TestAConnectionClosesCleanlyAfterItsLastContextEnded(t *testing.T) {
	t.Parallel()
	_, db := open(t, 2)
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	_, err = conn.ExecContext(ctx, "select 1")
	require.NoError(t, err)
	cancel()
	_, err = db.ExecContext(t.Context(), "select pg_sleep($1)", (pgdeadline.Grace + time.Second).Seconds()) // on another connection
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	require.NoError(t, db.Close())
}

func TestAServerThatAnswersCancelsTheQuery(t *testing.T) {
	t.Parallel()
	_, db := open(t, 2)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := db.ExecContext(ctx, "select pg_sleep(60)")
	require.Error(t, err)
	require.Less(t, time.Since(start), 30*time.Second)
}
