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
	"regexp"
	"syscall"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"satchel/schema"
)

// InsufficientPrivilege is the SQLSTATE of a missing permission.
const InsufficientPrivilege = "42501"

// Error is an error that Postgres returned: the operation it failed and the
// SQLSTATE.
type Error struct {
	Op          string
	Code        string
	Constraint  string // that was violated, if there is one
	Object      string // that the role may not use, such as "table platform.calls", if that is known
	RowSecurity bool   // row security would hide rows of the object
}

func (e *Error) Error() string { return e.Op + ": " + e.Condition() }

// Condition returns the error without the operation.
func (e *Error) Condition() string {
	name := pqerror.Code(e.Code).Name()
	if name == "" {
		name = "unknown condition"
	}
	text := "SQLSTATE " + e.Code + " (" + name + ")"
	if e.Object != "" {
		text += ", " + e.Object
	}
	if e.RowSecurity {
		text += ", row security hides rows"
	}
	return text
}

// IsFinal reports whether a query of the same data fails again, however often it is
// tried: by a wrong value, a missing permission or object, or damaged data. Everything
// else may pass: a restart, a conflict, a lock, a full disk, a time limit.
func (e *Error) IsFinal() bool {
	return len(e.Code) == 5 && (finalClasses[e.Code[:2]] || finalCodes[e.Code])
}

var finalClasses = map[string]bool{
	"0A": true, // feature not supported
	"20": true, // no case matches
	"21": true, // more than one row from a subquery
	"22": true, // a value that is out of range or cannot be converted
	"23": true, // constraint violated
	"2F": true, // error of an SQL function
	"38": true, // error of an external function
	"39": true, // wrong result of an external function
	"3F": true, // no such schema
	"42": true, // syntax error, missing permission or object
	"44": true, // check option of a view
	"54": true, // too large or too complex for Postgres
	"P0": true, // raised by a function
}

var finalCodes = map[string]bool{
	"25006": true, // the query would write, and may only read
	"XX001": true, // damaged table
	"XX002": true, // damaged index
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
		returned := &Error{Op: op, Code: string(e.Code), Constraint: e.Constraint, RowSecurity: e.Routine == "check_enable_rls"}
		if isUnavailable(returned.Code) {
			return Unavailable(returned)
		}
		return returned
	}
	for _, sentinel := range safeErrors {
		if errors.Is(err, sentinel) {
			return fmt.Errorf("%s: %w", op, sentinel)
		}
	}
	if reason := connectionFailure(err); reason != "" {
		return Unavailable(fmt.Errorf("%s: %s", op, reason))
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s: %w", op, context.DeadlineExceeded)
	}
	if reason := columnFailure(err); reason != "" {
		return fmt.Errorf("%s: the query returned %s", op, reason)
	}
	return fmt.Errorf("%s: unexpected driver error (%T)", op, err)
}

// scanError is how package sql names the column that a value does not fit in. The rest
// of its text may hold the value.
var scanError = regexp.MustCompile(`^sql: Scan error on column index \d+, name "([^"]*)": (converting NULL )?`)

// columnFailure names the column whose value cannot be used, or returns "".
func columnFailure(err error) string {
	for ; err != nil; err = errors.Unwrap(err) {
		switch m := scanError.FindStringSubmatch(err.Error()); {
		case m == nil:
		case m[2] != "":
			return "null in the column " + m[1] + ", which must not be null"
		default:
			return "a value of another type in the column " + m[1]
		}
	}
	return ""
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

// IsBusy reports whether err is from Postgres and may be gone in a moment: a lock that
// another session holds, a time limit, a conflict, or a database that takes no writes
// at present, as during a failover.
func IsBusy(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && busyCodes[e.Code]
}

var busyCodes = map[string]bool{
	"55P03": true, // lock not available
	"57014": true, // statement timeout
	"40001": true, // serialization failure
	"40P01": true, // deadlock
	"25006": true, // read-only
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

// Unavailable returns the schema.Error of a database that cannot be used at present.
func Unavailable(cause error) *schema.Error {
	e := schema.Errorf(schema.Unavailable, schema.CodeDatabaseUnavailable, "The database is not available right now. Please try again.")
	e.RetryAfter, e.Cause = 5*time.Second, cause
	return e
}
