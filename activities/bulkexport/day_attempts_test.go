package bulkexport_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"satchel/activities/bulkexport"
	"satchel/schema"
	"satchel/schema/store"
)

// The maximum of attempts relies on the intervals of the RetryPolicy.
func TestADayThatCannotBeWrittenIsRetriedAsItsPolicySays(t *testing.T) {
	away, err := store.Open("postgres://satchel@127.0.0.1:1/satchel?sslmode=disable", 1)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, away.Close()) })
	a := &bulkexport.Activities{Store: away.BulkExports()}
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterActivity(a)
	began := env.Now()
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		return workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: time.Minute, RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute, MaximumAttempts: 4},
		}), a.WriteDay, bulkexport.WriteDayInput{Job: schema.NewJobID(), Day: "2026-03-01"}).Get(ctx, nil)
	})
	require.ErrorContains(t, env.GetWorkflowError(), "unavailable")
	require.Equal(t, (1+2+4)*time.Second, env.Now().Sub(began).Truncate(time.Second))
}
