package activities_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"satchel/activities"
	"satchel/schema"
)

// absent is a store that does not answer.
type absent struct {
	activities.Store
	tried func()
}

func (a absent) OpenExport(context.Context, schema.Opening) error {
	a.tried()
	return &schema.Error{Kind: schema.Unavailable, Code: "database_unavailable", Message: "Away.", RetryAfter: 5 * time.Second}
}

func TestWhileAPartStaysAwayAttemptsLieFurtherAndFurtherApart(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	var tries []time.Time
	hands := &activities.Activities{Store: absent{tried: func() { tries = append(tries, env.Now()) }}}
	env.RegisterActivity(hands)
	asking := func(ctx workflow.Context) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: time.Minute, RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, MaximumAttempts: 9},
		})
		return workflow.ExecuteActivity(ctx, hands.OpenExport, activities.Open{}).Get(ctx, nil)
	}
	env.RegisterWorkflow(asking)
	env.ExecuteWorkflow(asking)
	require.Len(t, tries, 9)
	for i, want := range []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, time.Minute, time.Minute, time.Minute} {
		delay := tries[i+1].Sub(tries[i])
		require.LessOrEqual(t, delay, want+time.Second)
		require.Greater(t, delay, want*7/10)
	}
}
