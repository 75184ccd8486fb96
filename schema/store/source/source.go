package source

import (
	"bufio"
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"

	"satchel/schema"
	"satchel/schema/store/pgconn"
	"satchel/schema/store/sqlstate"
)

// DB is the platform's database. It is safe for concurrent use.
type DB struct {
	pool     *sqlx.DB
	maxConns int
	plans    sync.Map // of query text to *queryPlan
}

// Open prepares to read the database at url, which must state its sslmode, over
// at most maxConns connections. A database that is down is no error. One that
// rejects the connection is, and so is one with the encoding SQL_ASCII: text of
// unknown encoding cannot become JSON.
func Open(ctx context.Context, url string, maxConns int) (*DB, error) {
	pool, err := pgconn.Open(pgconn.Config{Setting: "SOURCE_DATABASE_URL", URL: url, MaxConns: maxConns, Dial: dial})
	if err != nil {
		return nil, err
	}
	db := &DB{pool: pool, maxConns: maxConns}
	if err := db.Ping(ctx); err != nil && schema.KindOf(err) != schema.Unavailable {
		_ = db.Close()
		return nil, err
	}
	return db, nil
}

// Close closes all connections.
func (db *DB) Close() error { return db.pool.Close() }

// Ping reports whether the database answers and can be read.
func (db *DB) Ping(ctx context.Context) error {
	var encoding string
	if err := db.pool.GetContext(ctx, &encoding, "select pg_catalog.current_setting('server_encoding')"); err != nil {
		return sqlstate.WrapContext(ctx, "ping source database", err)
	}
	return checkEncoding(encoding)
}

func checkEncoding(encoding string) error {
	if encoding == "SQL_ASCII" {
		return errors.New("the source database has the encoding SQL_ASCII, which does not say what its text means: convert it to UTF8")
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
