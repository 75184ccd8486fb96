package pgdeadline

import (
	"context"
	"database/sql/driver"
	"net"
	"sync"
	"time"

	"github.com/lib/pq"
)

// Grace is how long the server may take to acknowledge a cancellation after a
// context has ended. After that the connection is closed.
const Grace = 2 * time.Second

// Dial makes the network connection that the driver uses.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Connector returns a connector of the same connections, dialled by dial. Prepared
// statements that are kept are not covered: they wait as long as the driver does.
// Satchel has none.
func Connector(c *pq.Connector, dial Dial) driver.Connector {
	c.Dialer(dialer{dial})
	return connector{c}
}

// netDeadline sets the deadline of one network connection from the context of
// the call that is using it.
type netDeadline struct {
	mu         sync.Mutex
	conn       net.Conn    // nil until it is dialled
	generation int         // of the context that is followed; ignores the end of earlier ones
	stop       func() bool // ends following the context
}

// follow ties the deadline to ctx, in place of the context followed before:
// Grace after ctx has ended, reads and writes fail.
func (d *netDeadline) follow(ctx context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stop != nil {
		d.stop()
	}
	if d.conn != nil {
		_ = d.conn.SetDeadline(time.Time{}) // fails on a closed connection, whose next use fails by itself
	}
	d.generation++
	generation := d.generation
	d.stop = context.AfterFunc(ctx, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.generation == generation && d.conn != nil {
			_ = d.conn.SetDeadline(time.Now().Add(Grace))
		}
	})
}

// expire stops following a context and lets reads and writes fail after Grace.
func (d *netDeadline) expire() {
	d.follow(context.Background())
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn != nil {
		_ = d.conn.SetDeadline(time.Now().Add(Grace))
	}
}

// netDeadlineKey is the context key of the netDeadline that a dialled
// connection is for.
type netDeadlineKey struct{}

type connector struct{ driver.Connector }

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	d := &netDeadline{}
	d.follow(ctx)
	connected, err := c.Connector.Connect(context.WithValue(ctx, netDeadlineKey{}, d))
	if err != nil {
		return nil, err
	}
	return &conn{connected.(driverConn), d}, nil
}

// dialer puts the connection that it makes into the context's netDeadline. The
// driver also dials to cancel; those contexts have none, and have deadlines.
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
	dialled, err := d.dial(ctx, network, address)
	if deadline, ok := ctx.Value(netDeadlineKey{}).(*netDeadline); ok && err == nil {
		deadline.mu.Lock()
		defer deadline.mu.Unlock()
		deadline.conn = dialled
	}
	return dialled, err
}

// driverConn lists what lib/pq's connections implement.
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
	deadline *netDeadline
}

// QueryContext follows ctx until the next call, since rows are read from the
// connection after it has returned.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.deadline.follow(ctx)
	return c.driverConn.QueryContext(ctx, query, args)
}

func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.deadline.follow(ctx)
	return c.driverConn.ExecContext(ctx, query, args)
}

func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.deadline.follow(ctx)
	defer c.deadline.follow(context.Background())
	return c.driverConn.PrepareContext(ctx, query)
}

func (c *conn) Ping(ctx context.Context) error {
	c.deadline.follow(ctx)
	return c.driverConn.Ping(ctx)
}

// Close has Grace to send the terminate message, even if the context of the
// last call has ended.
func (c *conn) Close() error {
	c.deadline.expire()
	return c.driverConn.Close()
}

func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.deadline.follow(ctx)
	begun, err := c.driverConn.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	return &tx{begun, c.deadline, ctx}, nil
}

// tx commits and rolls back under the context that it began with, whatever
// contexts its statements had.
type tx struct {
	driver.Tx
	deadline *netDeadline
	ctx      context.Context
}

func (t *tx) Commit() error {
	t.deadline.follow(t.ctx)
	return t.Tx.Commit()
}

func (t *tx) Rollback() error {
	t.deadline.follow(t.ctx)
	return t.Tx.Rollback()
}
