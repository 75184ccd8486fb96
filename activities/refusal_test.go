package activities

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
)

type denied string

func (d denied) Error() string       { return "AccessDenied" }
func (d denied) SafeMessage() string { return "vault: put: AccessDenied" }
func (d denied) Refusal() string     { return string(d) }

func TestARefusalIsFinalAfterAFewMinutesAndNotBefore(t *testing.T) {
	var r Refusals
	now := time.Now()
	limit := func(after time.Duration, err error) (final, refused bool) {
		t.Helper()
		limited := r.limit("run/calls", refusalOf(err), err, now.Add(after))
		require.ErrorIs(t, limited, err)
		e, refused := errors.AsType[*refusedError](limited)
		return refused && e.final, refused
	}
	refusal := fmt.Errorf("store a piece: %w", denied("S3 denies it."))
	for _, after := range []time.Duration{0, time.Minute, 2 * time.Minute} {
		final, refused := limit(after, refusal)
		require.True(t, refused)
		require.False(t, final, "credentials may just be rotated")
	}
	final, _ := limit(3*time.Minute, refusal)
	require.True(t, final)

	limit(4*time.Minute, refusal)
	_, refused := limit(5*time.Minute, errors.New("away")) // another error, or success, begins anew
	require.False(t, refused)
	final, _ = limit(8*time.Minute, refusal)
	require.False(t, final)
	require.NoError(t, r.limit("run/calls", "", nil, now))
	require.Empty(t, r.since)

	_ = r.limit("run/that never comes back", "S3 denies it.", refusal, now)
	limit(2*time.Hour, refusal)
	require.Len(t, r.since, 1)
}

func TestAFinalRefusalIsNotRetriedAndSaysWhatToChange(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	for _, final := range []bool{false, true} {
		env := suite.NewTestActivityEnvironment()
		do := func(ctx context.Context) error {
			return ToApplicationError(ctx, &refusedError{denied("S3 denies it."), "S3 denies it.", final})
		}
		env.RegisterActivity(do)
		_, err := env.ExecuteActivity(do)
		var failure *temporal.ApplicationError
		require.ErrorAs(t, err, &failure)
		require.Equal(t, final, failure.NonRetryable())
		require.Equal(t, StorageErrorType, failure.Type())
		require.Equal(t, "S3 denies it.", failure.Message())
		require.Equal(t, refusalRetryDelay, failure.NextRetryDelay())
	}
}
