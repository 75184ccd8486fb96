package accountexport_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"satchel/activities"
	"satchel/schema"
	"satchel/workflows"
)

func TestSweepRemovesWhatLostItsRunAndTellsOfFailures(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	workflows.Register(env)
	env.RegisterActivity(hands)
	lost := func(status schema.Status) activities.Remove {
		return activities.Remove{Export: schema.NewExportID(), Account: schema.NewAccountID(), Ending: schema.Ending{Status: status}, By: activities.Satchel}
	}
	first, second := lost(schema.Expired), lost(schema.Failed)
	env.OnActivity(hands.FindLost, mock.Anything, activities.Look{Grace: time.Minute}).
		Return(activities.Lost{Orders: []activities.Remove{first}, Next: first.Export}, nil).Once()
	env.OnActivity(hands.FindLost, mock.Anything, activities.Look{Grace: time.Minute, After: first.Export}).
		Return(activities.Lost{Orders: []activities.Remove{second}}, nil).Once()
	var removed []activities.Remove
	env.OnActivity(hands.RemoveArchive, mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.Remove) error {
		removed = append(removed, in)
		return nil
	})
	env.OnActivity(hands.SendMail, mock.Anything,
		activities.Mail{Export: second.Export, Account: second.Account, Kind: activities.FailedMail, Generation: 1}).Return(nil).Once()
	env.OnActivity(hands.RemoveStrays, mock.Anything, mock.Anything).Return(activities.Swept{Strays: 3}, nil).Once()

	env.ExecuteWorkflow(workflows.Sweep, workflows.Sweeping{Grace: time.Minute})

	require.NoError(t, env.GetWorkflowError())
	var swept activities.Swept
	require.NoError(t, env.GetWorkflowResult(&swept))
	require.Equal(t, activities.Swept{Exports: 2, Strays: 3}, swept)
	require.Equal(t, []activities.Remove{first, second}, removed)
	env.AssertExpectations(t)
}

func TestWhatCannotBeRemovedKeepsNothingElse(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	workflows.Register(env)
	env.RegisterActivity(hands)
	var orders []activities.Remove
	for range 3 {
		orders = append(orders, activities.Remove{Export: schema.NewExportID(), Account: schema.NewAccountID(), Ending: schema.Ending{Status: schema.Expired}})
	}
	env.OnActivity(hands.FindLost, mock.Anything, mock.Anything).Return(activities.Lost{Orders: orders}, nil).Once()
	var mu sync.Mutex
	var removed []string
	env.OnActivity(hands.RemoveArchive, mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.Remove) error {
		mu.Lock()
		defer mu.Unlock()
		if in.Export == orders[0].Export {
			return errors.New("under legal hold")
		}
		removed = append(removed, in.Export)
		return nil
	})
	env.OnActivity(hands.RemoveStrays, mock.Anything, mock.Anything).Return(activities.Swept{Strays: 1}, nil).Once()
	began := env.Now()

	env.ExecuteWorkflow(workflows.Sweep, workflows.Sweeping{Grace: time.Minute})

	require.ErrorContains(t, env.GetWorkflowError(), "1 exports could not be removed", "operators see it")
	require.ElementsMatch(t, []string{orders[1].Export, orders[2].Export}, removed)
	require.Less(t, env.Now().Sub(began), time.Hour, "the next sweep is not kept waiting")
	env.AssertExpectations(t)
}
