package sqlstate

import (
	"context"
	"crypto/tls"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"satchel/schema"
)

// InsufficientPrivilege is the SQLSTATE callers ask for by name.
const InsufficientPrivilege = "42501"

// Error is a refusal by Postgres: what we were doing, and the SQLSTATE.
// Constraint is the name of the constraint in the way, if one was.
type Error struct {
	Op         string
	Code       string
	Constraint string
}

func (e *Error) Error() string {
	name := pqerror.Code(e.Code).Name()
	if name == "" {
		name = "unknown condition"
	}
	return e.Op + ": SQLSTATE " + e.Code + " (" + name + ")"
}

// SQLState is the code, for callers that do not know the driver.
func (e *Error) SQLState() string { return e.Code }

// Is tells whether err carries this SQLSTATE.
func Is(err error, code string) bool {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code == code
	}
	if e, ok := errors.AsType[*pq.Error](err); ok {
		return string(e.Code) == code
	}
	return false
}

// Wrap says what we were doing and what went wrong, and nothing that the driver
// said. The answer is a schema.Error of kind Unavailable where the database is
// away; errors.Is still finds context errors, sql.ErrNoRows, sql.ErrTxDone,
// sql.ErrConnDone and schema.ErrOvertaken, and Is finds the SQLSTATE. Wrapping
// an error that is clean already adds op to it.
func Wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	if clean(err) {
		return fmt.Errorf("%s: %w", op, err)
	}
	if e, ok := errors.AsType[*pq.Error](err); ok {
		refusal := &Error{Op: op, Code: string(e.Code), Constraint: e.Constraint}
		if away(refusal.Code) {
			return unavailable(refusal)
		}
		return refusal
	}
	for _, sentinel := range passable {
		if errors.Is(err, sentinel) {
			return fmt.Errorf("%s: %w", op, sentinel)
		}
	}
	if why := lost(err); why != "" {
		return unavailable(fmt.Errorf("%s: %s", op, why))
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s: %w", op, context.DeadlineExceeded)
	}
	return fmt.Errorf("%s: unexpected driver error (%T)", op, err)
}

// WrapContext is Wrap for what was done under ctx: when ctx is done it says so,
// whatever the driver made of that. Often it is SQLSTATE 57014 (query_canceled).
func WrapContext(ctx context.Context, op string, err error) error {
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%s: %w", op, ctx.Err())
	}
	return Wrap(op, err)
}

// passable are the errors whose texts never change and say nothing of a row.
var passable = []error{
	context.Canceled, schema.ErrOvertaken,
	sql.ErrNoRows, sql.ErrTxDone, sql.ErrConnDone,
	pq.ErrSSLNotSupported, pq.ErrSSLKeyHasWorldPermissions, pq.ErrSSLKeyUnknownOwnership, pq.ErrCouldNotDetectUsername, pq.ErrInFailedTransaction,
}

// clean tells whether err has been through Wrap before, or is ours.
func clean(err error) bool {
	if _, ok := errors.AsType[*Error](err); ok {
		return true
	}
	return schema.KindOf(err) != ""
}

// away tells whether the SQLSTATE means that the server can not serve anyone
// now: connection exceptions, insufficient resources, shutdown and start-up,
// and sessions that the server ended by a time limit.
func away(code string) bool {
	switch code {
	case "57P01", "57P02", "57P03", "57P05", "25P03", "25P04":
		return true
	}
	return len(code) == 5 && (code[:2] == "08" || code[:2] == "53")
}

// lost says why there is no connection, without saying to where; "" where the
// error is of another sort.
func lost(err error) string {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "host name not found"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "certificate not trusted"
	}
	if _, ok := errors.AsType[*net.OpError](err); ok || errors.Is(err, os.ErrDeadlineExceeded) {
		if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
			return "connection timed out"
		}
		return "connection lost"
	}
	for _, sign := range []error{driver.ErrBadConn, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed} {
		if errors.Is(err, sign) {
			return "connection lost"
		}
	}
	return ""
}

func unavailable(cause error) *schema.Error {
	e := schema.Errorf(schema.Unavailable, schema.CodeDatabaseUnavailable, "The database is not available right now. Please try again.")
	e.RetryAfter, e.Cause = 5*time.Second, cause
	return e
}
