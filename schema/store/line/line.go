package line

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"net"
	"sync"
	"time"

	"github.com/lib/pq"
)

// Grace is how long the server may take to answer that it has cancelled what
// is no longer wanted. After that the connection is given up.
const Grace = 2 * time.Second

// Dial makes the connection below the driver's.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Open makes a pool. Statements that are prepared and kept, as none of ours
// are, are waited for as the driver does it.
func Open(c *pq.Connector, dial Dial) *sql.DB {
	c.Dialer(dialer{dial})
	return sql.OpenDB(connector{c})
}

// line is one connection and whoever uses it now.
type line struct {
	mu   sync.Mutex
	conn net.Conn // nil until it is made
	user int      // counts up
	let  func() bool
}

// use lends the line to whatever is done under ctx, until it is used again.
func (l *line) use(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.let != nil {
		l.let()
	}
	if l.conn != nil {
		_ = l.conn.SetDeadline(time.Time{}) // else it is closed, and tells by itself
	}
	l.user++
	user := l.user
	l.let = context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.user == user && l.conn != nil {
			_ = l.conn.SetDeadline(time.Now().Add(Grace))
		}
	})
}

// end lends the line for the last time, to say goodbye.
func (l *line) end() {
	l.use(context.Background())
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil {
		_ = l.conn.SetDeadline(time.Now().Add(Grace))
	}
}

// lineKey is where the line that is to be made stands in a context.
type lineKey struct{}

type connector struct{ driver.Connector }

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	l := &line{}
	l.use(ctx)
	made, err := c.Connector.Connect(context.WithValue(ctx, lineKey{}, l))
	if err != nil {
		return nil, err
	}
	return &conn{made.(driverConn), l}, nil
}

// dialer remembers the connection that it makes for a line. The driver makes
// others, to cancel; they have deadlines.
type dialer struct{ dial Dial }

func (d dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

func (d dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	made, err := d.dial(ctx, network, address)
	if l, ok := ctx.Value(lineKey{}).(*line); ok && err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.conn = made
	}
	return made, err
}

// driverConn is what the driver's connections can.
type driverConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

type conn struct {
	driverConn
	line *line
}

// QueryContext lends the line until the next use, since rows are read from it.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.line.use(ctx)
	return c.driverConn.QueryContext(ctx, query, args)
}

func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.line.use(ctx)
	return c.driverConn.ExecContext(ctx, query, args)
}

func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.line.use(ctx)
	defer c.line.use(context.Background())
	return c.driverConn.PrepareContext(ctx, query)
}

func (c *conn) Ping(ctx context.Context) error {
	c.line.use(ctx)
	return c.driverConn.Ping(ctx)
}

// Close says goodbye, whatever became of the context of the last use.
func (c *conn) Close() error {
	c.line.end()
	return c.driverConn.Close()
}

func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.line.use(ctx)
	begun, err := c.driverConn.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	return &tx{begun, c.line, ctx}, nil
}

// tx ends under the context that it began with, whatever was done in it under
// others.
type tx struct {
	driver.Tx
	line *line
	ctx  context.Context
}

func (t *tx) Commit() error {
	t.line.use(t.ctx)
	return t.Tx.Commit()
}

func (t *tx) Rollback() error {
	t.line.use(t.ctx)
	return t.Tx.Rollback()
}
