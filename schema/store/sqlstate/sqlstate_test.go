package sqlstate_test

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
	"strings"
	"syscall"
	"testing"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

const secret = "Ada Lovelace +441234567890"

func TestDriverTextIsRemoved(t *testing.T) {
	driverError := &pq.Error{Code: "23505", Message: secret, Detail: secret, Where: secret, Hint: secret, Constraint: "one_active"}
	for _, err := range []error{
		driverError,
		fmt.Errorf("%s: %w", secret, driverError),
		errors.New("sql: Scan error: converting " + secret),
		&net.OpError{Op: "dial", Net: "tcp", Err: errors.New(secret)},
		fmt.Errorf("pq: %s: %w", secret, io.ErrUnexpectedEOF),
		fmt.Errorf("%s: %w", secret, sql.ErrNoRows),
		fmt.Errorf("%s: %w", secret, context.Canceled),
		fmt.Errorf("%s: %w", secret, context.DeadlineExceeded),
	} {
		wrapped := sqlstate.Wrap("read calls", err)
		for e := wrapped; e != nil; e = errors.Unwrap(e) {
			require.NotContains(t, fmt.Sprintf("%v %+v %#v", e, e, e), secret)
		}
		require.Contains(t, wrapped.Error(), "read calls")
	}
}

func TestAPostgresErrorKeepsItsSQLSTATE(t *testing.T) {
	err := sqlstate.Wrap("open export", &pq.Error{Code: "23505", Constraint: "one_active"})
	require.EqualError(t, err, "open export: SQLSTATE 23505 (unique_violation)")
	require.True(t, sqlstate.Is(err, "23505"))
	require.False(t, sqlstate.Is(err, "23514"))
	returned, ok := errors.AsType[*sqlstate.Error](err)
	require.True(t, ok)
	require.Equal(t, "one_active", returned.Constraint)

	again := sqlstate.Wrap("request", err)
	require.EqualError(t, again, "request: open export: SQLSTATE 23505 (unique_violation)")
	require.True(t, sqlstate.Is(again, "23505"))

	require.EqualError(t, sqlstate.Wrap("x", &pq.Error{Code: "ZZ999"}), "x: SQLSTATE ZZ999 (unknown condition)")
	require.Equal(t, schema.Kind(""), schema.KindOf(err))
}

func TestAnUnreachableDatabaseIsUnavailable(t *testing.T) {
	for _, err := range []error{
		&pq.Error{Code: "57P01"},
		&pq.Error{Code: "57P02"},
		&pq.Error{Code: "57P03"},
		&pq.Error{Code: "57P05"},
		&pq.Error{Code: "25P03"},
		&pq.Error{Code: "25P04"},
		&pq.Error{Code: "53300"},
		&pq.Error{Code: "08006"},
		driver.ErrBadConn,
		io.EOF,
		fmt.Errorf("read: %w", syscall.ECONNRESET),
		&net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)},
		&net.OpError{Op: "dial", Net: "tcp", Err: context.DeadlineExceeded},
		&net.DNSError{Name: "db.example.com"},
		&tls.CertificateVerificationError{Err: errors.New("db.example.com")},
		os.ErrDeadlineExceeded,
		net.ErrClosed,
	} {
		wrapped := sqlstate.Wrap("read", err)
		require.Equal(t, schema.Unavailable, schema.KindOf(wrapped), "%v", err)
		unavailable, _ := errors.AsType[*schema.Error](wrapped)
		require.Positive(t, unavailable.RetryAfter)
		require.False(t, strings.Contains(wrapped.Error(), "example.com"))
	}
	require.True(t, sqlstate.Is(sqlstate.Wrap("read", &pq.Error{Code: "57P01"}), "57P01"))
	for _, code := range []pqerror.Code{"57014", "25P02", "42501", "23505"} {
		require.Empty(t, schema.KindOf(sqlstate.Wrap("read", &pq.Error{Code: code})), code)
	}
}

func TestContextAndRowErrorsAreStillFound(t *testing.T) {
	for _, want := range []error{context.Canceled, context.DeadlineExceeded, sql.ErrNoRows, sql.ErrTxDone, sql.ErrConnDone, schema.ErrStaleAttempt} {
		err := sqlstate.Wrap("read", fmt.Errorf("deep: %w", want))
		require.ErrorIs(t, err, want)
		require.Equal(t, schema.Kind(""), schema.KindOf(err))
	}
	require.NoError(t, sqlstate.Wrap("read", nil))
	gone := schema.Errorf(schema.Gone, "expired", "It is gone.")
	require.Equal(t, schema.Gone, schema.KindOf(sqlstate.Wrap("read", gone)))
}

func TestACancelledCallReturnsTheContextError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	canceled := &pq.Error{Code: "57014"}
	require.True(t, sqlstate.Is(sqlstate.WrapContext(ctx, "read", canceled), "57014"))
	require.NoError(t, sqlstate.WrapContext(ctx, "read", nil))
	cancel()
	require.ErrorIs(t, sqlstate.WrapContext(ctx, "read", canceled), context.Canceled)
	require.ErrorIs(t, sqlstate.WrapContext(ctx, "read", &net.OpError{Op: "read", Err: errors.New(secret)}), context.Canceled)
	require.NoError(t, sqlstate.WrapContext(ctx, "read", nil))
}

func TestWhatFailsAgainIsToldApartFromWhatMayPass(t *testing.T) {
	final := []string{"0A000", "20000", "21000", "22003", "22012", "22P02", "22P05", "22021", "23505", "2F003", "25006", "38001", "39000", "3F000", "42501", "42601", "42703", "42883", "42P01", "44000", "54000", "54001", "P0001", "XX001", "XX002"}
	passes := []string{"", "01000", "08006", "25P02", "25P03", "28P01", "40001", "40P01", "53100", "53200", "53300", "55006", "55P03", "57014", "57P01", "57P03", "58030", "72000", "XX000"}
	for _, code := range final {
		require.True(t, (&sqlstate.Error{Code: code}).IsFinal(), code)
	}
	for _, code := range passes {
		require.False(t, (&sqlstate.Error{Code: code}).IsFinal(), code)
	}
}
