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

// InsufficientPrivilege is the SQLSTATE of a missing permission.
const InsufficientPrivilege = "42501"

// Error is an error that Postgres returned: the operation it failed and the
// SQLSTATE. Constraint names the violated constraint, if there is one.
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

// SQLState returns the code, for callers that do not import the driver.
func (e *Error) SQLState() string { return e.Code }

// Is reports whether err has this SQLSTATE.
func Is(err error, code string) bool {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code == code
	}
	if e, ok := errors.AsType[*pq.Error](err); ok {
		return string(e.Code) == code
	}
	return false
}

// Wrap returns an error that names the operation and the kind of failure, and
// contains none of the driver's text. It is a schema.Error of kind Unavailable
// if the database is down or cannot be reached. errors.Is still finds context
// errors, sql.ErrNoRows, sql.ErrTxDone, sql.ErrConnDone and schema.ErrStaleAttempt,
// and Is finds the SQLSTATE. For an error that was wrapped before, Wrap only
// adds op.
func Wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	if isWrapped(err) {
		return fmt.Errorf("%s: %w", op, err)
	}
	if e, ok := errors.AsType[*pq.Error](err); ok {
		returned := &Error{Op: op, Code: string(e.Code), Constraint: e.Constraint}
		if isUnavailable(returned.Code) {
			return unavailable(returned)
		}
		return returned
	}
	for _, sentinel := range safeErrors {
		if errors.Is(err, sentinel) {
			return fmt.Errorf("%s: %w", op, sentinel)
		}
	}
	if reason := connectionFailure(err); reason != "" {
		return unavailable(fmt.Errorf("%s: %s", op, reason))
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s: %w", op, context.DeadlineExceeded)
	}
	return fmt.Errorf("%s: unexpected driver error (%T)", op, err)
}

// WrapContext is Wrap for an operation under ctx. If ctx has ended it returns
// the context's error, whatever error the driver made of that, which is often
// SQLSTATE 57014 (query_canceled).
func WrapContext(ctx context.Context, op string, err error) error {
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%s: %w", op, ctx.Err())
	}
	return Wrap(op, err)
}

// safeErrors have constant texts that hold no value of a row.
var safeErrors = []error{
	context.Canceled, schema.ErrStaleAttempt,
	sql.ErrNoRows, sql.ErrTxDone, sql.ErrConnDone,
	pq.ErrSSLNotSupported, pq.ErrSSLKeyHasWorldPermissions, pq.ErrSSLKeyUnknownOwnership, pq.ErrCouldNotDetectUsername, pq.ErrInFailedTransaction,
}

// isWrapped reports whether err is from Wrap or is a schema.Error.
func isWrapped(err error) bool {
	if _, ok := errors.AsType[*Error](err); ok {
		return true
	}
	return schema.KindOf(err) != ""
}

// isUnavailable reports whether the SQLSTATE means that the server cannot serve
// the session at present: connection exceptions, insufficient resources,
// shutdown and start-up, and sessions that the server ended by a time limit.
func isUnavailable(code string) bool {
	switch code {
	case "57P01", "57P02", "57P03", "57P05", "25P03", "25P04":
		return true
	}
	return len(code) == 5 && (code[:2] == "08" || code[:2] == "53")
}

// connectionFailure returns why the connection failed, without the address, or
// "" for any other error.
func connectionFailure(err error) string {
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
	for _, target := range []error{driver.ErrBadConn, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed} {
		if errors.Is(err, target) {
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
