package source

import (
	"bufio"
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"satchel/schema"
	"satchel/schema/store/line"
	"satchel/schema/store/sqlstate"
)

// DB is the platform's database. It is safe for concurrent use.
type DB struct {
	pool  *sqlx.DB
	conns int
	plans sync.Map // of query text to *plan
}

// Open prepares to read the database at url, which must say its sslmode, over
// at most maxConns connections. A database that is away for now is no error;
// one that refuses us, or whose encoding is SQL_ASCII, is: text of unknown
// encoding can not become JSON.
func Open(ctx context.Context, url string, maxConns int) (*DB, error) {
	pool, err := connect("SOURCE_DATABASE_URL", url, maxConns)
	if err != nil {
		return nil, err
	}
	db := &DB{pool: pool, conns: maxConns}
	if err := db.Ping(ctx); err != nil && schema.KindOf(err) != schema.Unavailable {
		_ = db.Close()
		return nil, err
	}
	return db, nil
}

// connect makes a pool for the URL that the setting gives. It connects to nothing.
func connect(setting, url string, maxConns int) (*sqlx.DB, error) {
	config, err := pq.NewConfig(url)
	if err != nil {
		return nil, errors.New(setting + " is not a PostgreSQL URL") // the cause may hold the password
	}
	if config.SSLMode == "" {
		return nil, errors.New(setting + " must say its sslmode, for example sslmode=verify-full")
	}
	config.ApplicationName = "satchel"
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	connector, err := pq.NewConnectorConfig(config)
	if err != nil {
		return nil, errors.New(setting + " is not a PostgreSQL URL")
	}
	pool := sqlx.NewDb(line.Open(connector, dial), "postgres")
	pool.SetMaxOpenConns(maxConns)
	pool.SetMaxIdleConns(maxConns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	return pool, nil
}

// Close ends all connections.
func (db *DB) Close() error { return db.pool.Close() }

// Ping tells whether the database answers and can be read.
func (db *DB) Ping(ctx context.Context) error {
	var encoding string
	if err := db.pool.GetContext(ctx, &encoding, "select pg_catalog.current_setting('server_encoding')"); err != nil {
		return sqlstate.WrapContext(ctx, "ping source database", err)
	}
	return readable(encoding)
}

func readable(encoding string) error {
	if encoding == "SQL_ASCII" {
		return errors.New("the source database has the encoding SQL_ASCII, so nobody knows what its text means: convert it to UTF8")
	}
	return nil
}

// dial makes connections that read ahead, because lib/pq reads 4 KiB at a
// time, and that notice within a minute or so that the other end is gone.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 4}}
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &readAhead{Conn: conn, buffer: bufio.NewReaderSize(conn, 64<<10)}, nil
}

type readAhead struct {
	net.Conn
	buffer *bufio.Reader
}

func (c *readAhead) Read(p []byte) (int, error) { return c.buffer.Read(p) }
