package source

import (
	"bytes"
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/lib/pq"

	"satchel/schema/store/sqlstate"
)

// begin opens the transaction. Nothing that the server is set to may end it
// while the reader is slow, or change how a value is written. A server that can
// tell ends the query of a client that is dead. Settings that this server does
// not have are passed over.
const begin = `begin isolation level repeatable read, read only;
select pg_catalog.transaction_timestamp(), pg_catalog.current_setting('server_encoding'),
	count(pg_catalog.set_config(name, value, true))
from (values
	('statement_timeout', '0'),
	('idle_in_transaction_session_timeout', '0'),
	('transaction_timeout', '0'),
	('client_connection_check_interval', '5s'),
	('jit', 'off'), -- compiling takes longer than it saves
	('TimeZone', 'UTC'),
	('DateStyle', 'ISO, MDY'),
	('IntervalStyle', 'postgres'),
	('extra_float_digits', '3'),
	('bytea_output', 'hex')
) wanted(name, value)
where pg_catalog.current_setting(name, true) is not null
	and (name <> 'client_connection_check_interval' or pg_catalog.version() like '%linux%')`

// countedExactly is up to how many expected rows Expected counts them.
const countedExactly = 50_000

// Snapshot is the rows of one catalog query, as they stood at one moment. It is for one goroutine, and ends with the function it is lent to.
type Snapshot struct {
	ReadAt time.Time // when the transaction began, by the database's clock, in UTC

	ctx   context.Context
	conn  driver.QueryerContext
	plan  *plan
	args  []any
	after string
	rows  driver.Rows
	row   [1]driver.Value
	key   []byte // of the last row
	ended error  // how the rows ended: io.EOF, or what was wrong
}

// Read opens a snapshot of the account's rows behind the key after, "" for all,
// lends it to do, which may stop anywhere, and answers what do answers. When ctx
// is done the query ends on the server too, and the snapshot's methods answer
// the context's error.
//
// The rows stream from one plain select. A cursor would ask the server for each
// page and wait for it, which takes a third longer; what it is good for, that no
// time limit ends it while the reader is slow, the transaction's own settings do.
func (db *DB) Read(ctx context.Context, query, account, after string, do func(*Snapshot) error) error {
	return db.read(ctx, query, []any{account}, after, do)
}

// ReadRows is Read of all rows of a query that takes these arguments: strings,
// times and lists of strings. Where its first column is _at, rows come in the
// order of that, and of _key among those of one moment.
func (db *DB) ReadRows(ctx context.Context, query string, args []any, do func(*Snapshot) error) error {
	values := make([]any, len(args))
	for i, arg := range args {
		list, isList := arg.([]string)
		if !isList {
			values[i] = arg
			continue
		}
		text, err := append(pq.StringArray{}, list...).Value() // never null: nothing is unequal to all of null
		if err != nil {
			return fmt.Errorf("read source: %w", err)
		}
		values[i] = text
	}
	return db.read(ctx, query, values, "", do)
}

func (db *DB) read(ctx context.Context, query string, args []any, after string, do func(*Snapshot) error) error {
	plan, err := db.plan(ctx, query, len(args))
	if err != nil {
		return err
	}
	for range db.conns + 1 { // all that wait in the pool may be dead, as they are when the server was restarted
		var dead bool
		if dead, err = db.lend(ctx, plan, args, after, do); !dead {
			break
		}
	}
	if errors.Is(err, errChanged) {
		db.plans.Delete(query)
	}
	return err
}

// lend runs do with a snapshot on a connection of its own. Dead says that the
// connection had died before do could begin.
func (db *DB) lend(ctx context.Context, plan *plan, args []any, after string, do func(*Snapshot) error) (dead bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &Snapshot{ctx: ctx, plan: plan, args: args, after: after, key: []byte(after)}
	conn, err := db.pool.Conn(ctx)
	if err != nil {
		return false, s.wrap(err)
	}
	defer conn.Close() //nolint:errcheck // it goes back to the pool, or is closed already
	lent := conn.Raw(func(c any) error {
		s.conn = c.(driver.QueryerContext)
		if err = s.begin(); err != nil {
			dead = ctx.Err() == nil && !c.(driver.Validator).IsValid()
			return driver.ErrBadConn // has it closed
		}
		err = do(s)
		if s.rows != nil && s.ended != io.EOF {
			cancel() // do stopped early: ends the query and the connection, rather than read the rest
		}
		return s.end()
	})
	if err == nil && lent != nil && !errors.Is(lent, driver.ErrBadConn) {
		err = s.wrap(lent)
	}
	return dead, err
}

func (s *Snapshot) begin() error {
	row, err := s.ask(begin)
	if err != nil {
		return err
	}
	s.ReadAt = row[0].(time.Time).UTC()
	return readable(row[1].(string))
}

// end leaves the connection as it was found, or has it closed.
func (s *Snapshot) end() error {
	if s.rows != nil {
		if err := s.rows.Close(); err != nil {
			return driver.ErrBadConn
		}
	}
	if _, err := s.ask("commit"); err != nil {
		return driver.ErrBadConn
	}
	return nil
}

// Expected tells how many rows the account has in all, whatever was read before.
// It is exact up to 50,000; beyond, it is what Postgres estimates. It can be
// asked until the first row is appended.
func (s *Snapshot) Expected() (int64, error) {
	row, err := s.ask("explain (format json) select from "+subquery(s.plan.query), s.args...)
	if err != nil {
		return 0, err
	}
	var explained []struct {
		Plan struct {
			Rows int64 `json:"Plan Rows"`
		}
	}
	if err := json.Unmarshal(row[0].([]byte), &explained); err != nil || len(explained) != 1 {
		return 0, errors.New("read source: the estimate is not understood")
	}
	estimate := explained[0].Plan.Rows
	if estimate > countedExactly {
		return estimate, nil
	}
	row, err = s.ask(fmt.Sprintf("select count(*) from (select from %s limit %d) q", subquery(s.plan.query), countedExactly+1), s.args...)
	if err != nil {
		return 0, err
	}
	return row[0].(int64), nil
}

// AppendRow appends the next row to dst as a JSON object. Behind the last one
// it answers io.EOF, and only there. Where dst has room it allocates nothing;
// the driver allocates twice.
func (s *Snapshot) AppendRow(dst []byte) ([]byte, error) {
	if s.ended == nil {
		s.ended = s.next()
	}
	if s.ended != nil {
		return dst, s.ended
	}
	wire, _ := s.row[0].([]byte)
	longer, key, err := s.plan.appendRecord(dst, wire)
	if err == nil && bytes.Equal(key, s.key) {
		err = errKey
	}
	if err != nil {
		s.ended = fmt.Errorf("read source: %w", err)
		return dst, s.ended
	}
	s.key = append(s.key[:0], key...)
	return longer, nil
}

// Key is the key of the row appended last, to read on behind it another time.
func (s *Snapshot) Key() string { return string(s.key) }

func (s *Snapshot) next() (err error) {
	if s.rows == nil {
		args := s.args
		if s.after != "" {
			args = []any{args[0], s.after}
			if err := s.whole(args); err != nil {
				return err
			}
		}
		if s.rows, err = s.query(s.plan.rows(s.after), args...); err != nil {
			return err
		}
	}
	if err = s.rows.Next(s.row[:]); err != nil && err != io.EOF {
		return s.wrap(err)
	}
	return err
}

// whole answers an error where rows would be passed over, as an attempt that
// read from the beginning would have met.
func (s *Snapshot) whole(args []any) error {
	row, err := s.ask(s.plan.lost(), args...)
	if err == nil && row[0].(bool) {
		err = fmt.Errorf("read source: %w", errKey)
	}
	return err
}

// Has tells whether another query has a row at this moment. It can be asked
// until the first row is appended.
func (s *Snapshot) Has(query string, args ...any) (bool, error) {
	row, err := s.ask("select true from "+subquery(query)+" limit 1", args...)
	if nobody(err) {
		return false, nil
	}
	return row != nil, err
}

func (s *Snapshot) query(query string, args ...any) (driver.Rows, error) {
	if err := s.ctx.Err(); err != nil {
		return nil, s.wrap(err)
	}
	values := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		values[i] = driver.NamedValue{Ordinal: i + 1, Value: arg}
	}
	rows, err := s.conn.QueryContext(s.ctx, query, values)
	return rows, s.wrap(err)
}

// ask answers the one row of a query, or none.
func (s *Snapshot) ask(query string, args ...any) ([]driver.Value, error) {
	rows, err := s.query(query, args...)
	if err != nil {
		return nil, err
	}
	row := make([]driver.Value, len(rows.Columns()))
	err = rows.Next(row)
	for i, v := range row {
		if shared, ok := v.([]byte); ok {
			row[i] = bytes.Clone(shared)
		}
	}
	if closed := rows.Close(); err == nil {
		err = closed
	}
	if err == io.EOF {
		return nil, nil
	}
	return row, s.wrap(err)
}

func (s *Snapshot) wrap(err error) error { return sqlstate.WrapContext(s.ctx, "read source", err) }
