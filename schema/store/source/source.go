package source

import (
	"bufio"
	"cmp"
	"context"
	"net"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"

	"satchel/schema"
	"satchel/schema/store/pgconn"
)

// DB is the platform's database. It is safe for concurrent use.
type DB struct {
	pool     *sqlx.DB
	sessions *pgconn.SessionCheck
	maxConns int
	limits   Limits
	plans    sync.Map // of query text to *queryPlan
}

// Limits bound what reading one record may cost.
type Limits struct {
	// RecordBytes is the size above which a record is not read. A process needs
	// several times as much for the moment.
	RecordBytes int64
	// Stall is how long the database may send nothing while rows are awaited. Then the
	// connection is closed, and the read ends with schema.Unavailable.
	Stall time.Duration
}

// DefaultLimits are far above what a record of a call or a message needs, and what a
// database takes to sort a large category.
var DefaultLimits = Limits{RecordBytes: 16 << 20, Stall: 10 * time.Minute}

// Open prepares to read the database at url, which must state its sslmode, over
// at most maxConns connections. A database that is down is no error. One that
// rejects the connection is, and so is one with the encoding SQL_ASCII: text of
// unknown encoding cannot become JSON.
func Open(ctx context.Context, url string, maxConns int) (*DB, error) {
	pool, sessions, err := pgconn.Open(pgconn.Config{Setting: "SOURCE_DATABASE_URL", URL: url, MaxConns: maxConns, Dial: dial})
	if err != nil {
		return nil, err
	}
	db := &DB{pool: pool, sessions: sessions, maxConns: maxConns, limits: DefaultLimits}
	if err := db.Ping(ctx); err != nil && schema.KindOf(err) != schema.Unavailable {
		_ = db.Close()
		return nil, err
	}
	return db, nil
}

// SetLimits replaces those of DefaultLimits that are not 0 in l. It must be called before
// anything is read.
func (db *DB) SetLimits(l Limits) {
	db.limits = Limits{RecordBytes: cmp.Or(l.RecordBytes, DefaultLimits.RecordBytes), Stall: cmp.Or(l.Stall, DefaultLimits.Stall)}
}

// Close closes all connections.
func (db *DB) Close() error { return db.pool.Close() }

// Ping reports whether the database answers and can be read.
func (db *DB) Ping(ctx context.Context) error {
	var encoding string
	if err := db.pool.GetContext(ctx, &encoding, "select pg_catalog.current_setting('server_encoding')"); err != nil {
		return db.wrap(ctx, "ping source database", err)
	}
	return checkEncoding(encoding)
}

// CheckSessions returns an error if the database is reached through a pooler in
// transaction mode.
func (db *DB) CheckSessions(ctx context.Context) error { return db.sessions.Check(ctx) }

// Ready reports whether the database answers, to this program alone, and can be read.
func (db *DB) Ready(ctx context.Context) error {
	if err := db.CheckSessions(ctx); err != nil {
		return err
	}
	return db.Ping(ctx)
}

var errEncoding = &schema.SetupError{Message: "the database in SOURCE_DATABASE_URL has the encoding SQL_ASCII, which does not say what its text means: convert it to UTF8"}

func checkEncoding(encoding string) error {
	if encoding == "SQL_ASCII" {
		return errEncoding
	}
	return nil
}

// dial returns a connection with a read buffer, because lib/pq reads 4 KiB at a
// time. TCP keep-alive notices a dead peer within about a minute.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 4}}
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &bufferedConn{Conn: conn, buffer: bufio.NewReaderSize(conn, 64<<10)}, nil
}

type bufferedConn struct {
	net.Conn
	buffer *bufio.Reader
}

func (c *bufferedConn) Read(p []byte) (int, error) { return c.buffer.Read(p) }
