package activities_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"satchel/activities"
	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

func TestTheDelayBetweenAttemptsGrowsWhileAServiceIsAway(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	var attempts []time.Time
	env.RegisterActivity(&fails{func() error {
		attempts = append(attempts, env.Now())
		return &schema.Error{Kind: schema.Unavailable, Code: schema.CodeDatabaseUnavailable, Message: "Away.", RetryAfter: 5 * time.Second}
	}})
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: time.Minute, RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, MaximumAttempts: 9},
		})
		return workflow.ExecuteActivity(ctx, "Fail").Get(ctx, nil)
	})
	require.Len(t, attempts, 9)
	for i, want := range []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, time.Minute, time.Minute, time.Minute} {
		delay := attempts[i+1].Sub(attempts[i])
		require.LessOrEqual(t, delay, want+time.Second)
		require.Greater(t, delay, want*7/10)
	}
}

// fails has an activity that fails with an error of a test.
type fails struct{ err func() error }

func (f *fails) Fail(ctx context.Context) error { return activities.ToApplicationError(ctx, f.err()) }

func translated(t *testing.T, err error) *temporal.ApplicationError {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(&fails{func() error { return err }})
	_, got := env.ExecuteActivity("Fail")
	var failure *temporal.ApplicationError
	require.ErrorAs(t, got, &failure)
	return failure
}

type sqlError struct{}

func (sqlError) Error() string    { return `pq: duplicate key value "+15551234567"` }
func (sqlError) SQLState() string { return "23505" }

func TestNoTextOfADriverReachesAHistory(t *testing.T) {
	for kind, err := range map[string]error{
		"internal":  errors.New("dial tcp 10.0.0.7: secret"),
		"database":  fmt.Errorf("insert: %w", sqlError{}),
		"timeout":   fmt.Errorf("read +15551234567: %w", context.DeadlineExceeded),
		"storage":   fmt.Errorf("exports/secret: %w", activities.ErrCorrupted),
		"not_found": &schema.Error{Kind: schema.NotFound, Code: "x", Message: "There is no such export.", Cause: errors.New("secret")},
	} {
		failure := translated(t, err)
		require.Equal(t, kind, failure.Type())
		require.NotContains(t, failure.Error(), "secret")
		require.NotContains(t, failure.Error(), "+1555")
		require.NoError(t, errors.Unwrap(failure), "the cause is only logged")
	}
}

func TestCorruptedObjectsAreRetriedOnlyByThoseWhoWriteANewOne(t *testing.T) {
	read := fmt.Errorf("exports/1: %w", activities.ErrCorrupted)
	require.True(t, translated(t, read).NonRetryable())
	require.False(t, translated(t, activities.RewriteOnRetry(read)).NonRetryable())
	require.NoError(t, activities.RewriteOnRetry(nil))
}

func TestWhatCannotBeReadIsFinalUnlessItCannotBeRequestedAgain(t *testing.T) {
	unreadable := fmt.Errorf("day: %w", &schema.Error{Kind: schema.Unreadable, Code: schema.CodeUnreadable, Message: "The Calls cannot be read.", Cause: errors.New("secret")})
	final := translated(t, unreadable)
	require.True(t, final.NonRetryable())
	require.Equal(t, temporal.ApplicationErrorCategoryUnspecified, final.Category(), "operators must see it")
	retried := translated(t, activities.RetryUnreadable(unreadable))
	require.False(t, retried.NonRetryable())
	require.Equal(t, final.Message(), retried.Message())
	require.NotContains(t, retried.Error(), "secret")
}

func TestAnAnswerOfADatabaseNamesTheTable(t *testing.T) {
	err := fmt.Errorf("x: %w", &sqlstate.Error{Op: "read people", Code: sqlstate.InsufficientPrivilege, Object: "table platform.users"})
	require.Equal(t, "the database answered with SQLSTATE 42501 (insufficient_privilege), table platform.users", translated(t, err).Message())
}

// reads has an activity that reads until a heartbeat has told that it waits.
type reads struct{ told chan struct{} }

func (r *reads) Read(ctx context.Context) error {
	reading, stop := activities.HeartbeatReading(ctx)
	defer stop()
	schema.WaitObserver(reading)(true)
	<-r.told
	return nil
}

func TestHeartbeatsTellThatAReadWaitsForTheDatabase(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	told := make(chan struct{})
	var once sync.Once
	env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
		var d activities.ReadingDetails
		if details.HasValues() && details.Get(&d) == nil && !d.WaitsForSourceSince.IsZero() {
			once.Do(func() { close(told) })
		}
	})
	env.RegisterActivity(&reads{told})
	_, err := env.ExecuteActivity("Read")
	require.NoError(t, err)
}
