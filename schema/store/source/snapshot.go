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
)

// beginSnapshot opens the transaction and overrides the server's settings that
// could end it while the reader is slow; those that change how a value is written are
// overridden for every session, by pgconn. With
// client_connection_check_interval the server ends the query of a client that
// has died. Settings that this server does not have are skipped.
const beginSnapshot = `begin isolation level repeatable read, read only;
select pg_catalog.transaction_timestamp(), pg_catalog.current_setting('server_encoding'),
	count(pg_catalog.set_config(name, value, true))
from (values
	('statement_timeout', '0'),
	('idle_in_transaction_session_timeout', '0'),
	('transaction_timeout', '0'),
	('client_connection_check_interval', '5s'),
	('jit', 'off') -- compiling takes longer than it saves
) wanted(name, value)
where pg_catalog.current_setting(name, true) is not null
	and (name <> 'client_connection_check_interval' or pg_catalog.version() like '%linux%')`

// maxExactCount is the largest number of rows that Expected counts exactly.
const maxExactCount = 50_000

// Snapshot is the rows of one catalog query as of one instant. It is for use by
// one goroutine and is valid until the function it is passed to returns.
type Snapshot struct {
	ReadAt time.Time // start of the transaction by the database's clock, in UTC

	ctx   context.Context
	db    *DB
	watch *stallWatch
	conn  driver.QueryerContext
	plan  *queryPlan
	args  []any
	after string
	rows  driver.Rows
	row   [1]driver.Value
	key   []byte // of the last row
	err   error  // how the rows ended: io.EOF or an error
}

func (s *Snapshot) begin() error {
	row, err := s.queryRow(beginSnapshot)
	if err != nil {
		return err
	}
	s.ReadAt = row[0].(time.Time).UTC()
	return checkEncoding(row[1].(string))
}

// end returns driver.ErrBadConn, which closes the connection, unless it is left
// as it was found.
func (s *Snapshot) end() error {
	if s.rows != nil {
		s.watch.enter()
		err := s.rows.Close()
		s.watch.leave()
		if err != nil {
			return driver.ErrBadConn
		}
	}
	if _, err := s.queryRow("commit"); err != nil {
		return driver.ErrBadConn
	}
	return nil
}

func (s *Snapshot) atEnd() bool { return s.err == io.EOF }

// Expected returns how many rows the account has in total, including those at
// or before the key that the read resumes after. It is exact up to 50,000 and
// Postgres' estimate beyond. It may be called until the first row is appended.
func (s *Snapshot) Expected() (int64, error) {
	row, err := s.queryRow("explain (format json) select from "+subquery(s.plan.query), s.args...)
	if err != nil {
		return 0, err
	}
	var explained []struct {
		Plan struct {
			Rows int64 `json:"Plan Rows"`
		}
	}
	if err := json.Unmarshal(row[0].([]byte), &explained); err != nil || len(explained) != 1 {
		return 0, errors.New("read source: EXPLAIN returned no row estimate")
	}
	estimate := explained[0].Plan.Rows
	if estimate > maxExactCount {
		return estimate, nil
	}
	row, err = s.queryRow(fmt.Sprintf("select count(*) from (select from %s limit %d) q", subquery(s.plan.query), maxExactCount+1), s.args...)
	if err != nil {
		return 0, err
	}
	return row[0].(int64), nil
}

// AppendRow appends the next row to dst as a JSON object. After the last row it
// returns io.EOF, and in no other case. If dst has room it allocates nothing
// itself; the driver allocates twice.
func (s *Snapshot) AppendRow(dst []byte) ([]byte, error) {
	if s.err == nil {
		s.err = s.next()
	}
	if s.err != nil {
		return dst, s.err
	}
	wire, _ := s.row[0].([]byte)
	extended, key, err := s.plan.appendRecord(dst, wire)
	if err == nil && bytes.Equal(key, s.key) {
		err = errInvalidKey
	}
	if err != nil {
		s.err = fmt.Errorf("read source: key %q after %q: %w", key, s.key, err)
		return dst, s.err
	}
	s.key = append(s.key[:0], key...)
	return extended, nil
}

// Key returns the key of the row appended last. Another Read can resume after it.
func (s *Snapshot) Key() string { return string(s.key) }

// next reads the next row into s.row.
func (s *Snapshot) next() (err error) {
	if s.rows == nil {
		args := s.args
		if s.after != "" {
			args = []any{args[0], s.after}
			if err := s.checkReachable(args); err != nil {
				return err
			}
		}
		if s.rows, err = s.query(s.plan.selectRows(s.after, s.db.limits.RecordBytes), args...); err != nil {
			return err
		}
	}
	s.watch.enter()
	err = s.rows.Next(s.row[:])
	s.watch.leave()
	if err != nil && err != io.EOF {
		return fmt.Errorf("after key %q: %w", s.key, s.wrap(err))
	}
	return err
}

// checkReachable returns an error if resuming after the key would skip rows:
// the error that a read from the beginning would have met.
func (s *Snapshot) checkReachable(args []any) error {
	row, err := s.queryRow(s.plan.hasUnreachableRows(), args...)
	if err == nil && row[0].(bool) {
		err = fmt.Errorf("read source: at or after key %q: %w", s.after, errInvalidKey)
	}
	return err
}

// Has reports whether another query returns a row in this snapshot. It may be
// called until the first row is appended.
func (s *Snapshot) Has(query string, args ...any) (bool, error) {
	row, err := s.queryRow("select true from "+subquery(query)+" limit 1", args...)
	if isNotFound(err) {
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
	s.watch.enter()
	rows, err := s.conn.QueryContext(s.ctx, query, values)
	s.watch.leave()
	return rows, s.wrap(err)
}

// queryRow returns the first row of a query, or nil if there is none.
func (s *Snapshot) queryRow(query string, args ...any) ([]driver.Value, error) {
	rows, err := s.query(query, args...)
	if err != nil {
		return nil, err
	}
	row := make([]driver.Value, len(rows.Columns()))
	s.watch.enter()
	defer s.watch.leave()
	err = rows.Next(row)
	for i, v := range row {
		if shared, ok := v.([]byte); ok {
			row[i] = bytes.Clone(shared)
		}
	}
	if closeErr := rows.Close(); err == nil {
		err = closeErr
	}
	if err == io.EOF {
		return nil, nil
	}
	return row, s.wrap(err)
}

func (s *Snapshot) wrap(err error) error { return s.db.wrap(s.ctx, "read source", err) }
