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
	exportactivities "satchel/activities/accountexport"
	"satchel/schema"
	"satchel/workflows/accountexport"
	"satchel/workflows/registry"
)

func TestSweepRemovesExportsWithoutARunAndSendsEmailsOfFailures(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	registry.RegisterWorkflows(env)
	env.RegisterActivity(a)
	env.RegisterActivity(emails)
	lost := func(status schema.Status) exportactivities.RemoveArchiveInput {
		return exportactivities.RemoveArchiveInput{Export: schema.NewExportID(), Account: schema.NewAccountID(), Ending: schema.Ending{Status: status}, By: activities.Satchel}
	}
	first, second := lost(schema.Expired), lost(schema.Failed)
	env.OnActivity(a.FindOverdueExports, mock.Anything, exportactivities.FindOverdueExportsInput{Grace: time.Minute}).
		Return(exportactivities.FindOverdueExportsResult{Removals: []exportactivities.RemoveArchiveInput{first}, Next: first.Export}, nil).Once()
	env.OnActivity(a.FindOverdueExports, mock.Anything, exportactivities.FindOverdueExportsInput{Grace: time.Minute, After: first.Export}).
		Return(exportactivities.FindOverdueExportsResult{Removals: []exportactivities.RemoveArchiveInput{second}}, nil).Once()
	var removed []exportactivities.RemoveArchiveInput
	env.OnActivity(a.RemoveArchive, mock.Anything, mock.Anything).Return(func(_ context.Context, in exportactivities.RemoveArchiveInput) error {
		removed = append(removed, in)
		return nil
	})
	env.OnActivity(emails.SendEmail, mock.Anything,
		activities.SendEmailInput{About: second.Export, Account: second.Account, Kind: exportactivities.FailedEmail, LinkVersion: 1}).Return(nil).Once()
	env.OnActivity(a.RemoveOrphanedExports, mock.Anything, mock.Anything).Return(activities.RemoveOrphansResult{Removed: 3}, nil).Once()

	env.ExecuteWorkflow(accountexport.AccountExportSweep, accountexport.SweepInput{Grace: time.Minute})

	require.NoError(t, env.GetWorkflowError())
	var swept accountexport.SweepResult
	require.NoError(t, env.GetWorkflowResult(&swept))
	require.Equal(t, accountexport.SweepResult{Exports: 2, Orphans: 3}, swept)
	require.Equal(t, []exportactivities.RemoveArchiveInput{first, second}, removed)
	env.AssertExpectations(t)
}

func TestAnExportThatCannotBeRemovedDoesNotStopTheRest(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	registry.RegisterWorkflows(env)
	env.RegisterActivity(a)
	env.RegisterActivity(emails)
	var removals []exportactivities.RemoveArchiveInput
	for range 3 {
		removals = append(removals, exportactivities.RemoveArchiveInput{Export: schema.NewExportID(), Account: schema.NewAccountID(), Ending: schema.Ending{Status: schema.Expired}})
	}
	env.OnActivity(a.FindOverdueExports, mock.Anything, mock.Anything).Return(exportactivities.FindOverdueExportsResult{Removals: removals}, nil).Once()
	var mu sync.Mutex
	var removed []string
	env.OnActivity(a.RemoveArchive, mock.Anything, mock.Anything).Return(func(_ context.Context, in exportactivities.RemoveArchiveInput) error {
		mu.Lock()
		defer mu.Unlock()
		if in.Export == removals[0].Export {
			return errors.New("under legal hold")
		}
		removed = append(removed, in.Export)
		return nil
	})
	env.OnActivity(a.RemoveOrphanedExports, mock.Anything, mock.Anything).Return(activities.RemoveOrphansResult{Removed: 1}, nil).Once()
	began := env.Now()

	env.ExecuteWorkflow(accountexport.AccountExportSweep, accountexport.SweepInput{Grace: time.Minute})

	require.ErrorContains(t, env.GetWorkflowError(), "1 exports could not be removed", "operators see it")
	require.ElementsMatch(t, []string{removals[1].Export, removals[2].Export}, removed)
	require.Less(t, env.Now().Sub(began), time.Hour, "the next sweep is not kept waiting")
	env.AssertExpectations(t)
}
