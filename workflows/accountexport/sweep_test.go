package accountexport_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

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

	env.ExecuteWorkflow(accountexport.AccountExportStorageSweep, accountexport.SweepInput{Grace: time.Minute})

	require.NoError(t, env.GetWorkflowError())
	var swept accountexport.StorageSweepResult
	require.NoError(t, env.GetWorkflowResult(&swept))
	require.Equal(t, accountexport.StorageSweepResult{Exports: 2, Orphans: 3}, swept)
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

	env.ExecuteWorkflow(accountexport.AccountExportStorageSweep, accountexport.SweepInput{Grace: time.Minute})

	require.ErrorContains(t, env.GetWorkflowError(), "1 exports could not be removed", "operators see it")
	require.ElementsMatch(t, []string{removals[1].Export, removals[2].Export}, removed)
	require.Less(t, env.Now().Sub(began), time.Hour, "the next sweep is not kept waiting")
	env.AssertExpectations(t)
}

func TestASweepWithALongHistoryContinuesAfterItsLastPage(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	first := suite.NewTestWorkflowEnvironment()
	registry.RegisterWorkflows(first)
	first.RegisterActivity(a)
	first.SetContinueAsNewSuggested(true)
	done := exportactivities.RemoveArchiveInput{Export: schema.NewExportID(), Account: schema.NewAccountID(), Ending: schema.Ending{Status: schema.Expired}}
	first.OnActivity(a.FindOverdueExports, mock.Anything, exportactivities.FindOverdueExportsInput{Grace: time.Minute}).
		Return(exportactivities.FindOverdueExportsResult{Removals: []exportactivities.RemoveArchiveInput{done}, Next: done.Export}, nil).Once()
	first.OnActivity(a.RemoveArchive, mock.Anything, mock.Anything).Return(nil)
	first.ExecuteWorkflow(accountexport.AccountExportStorageSweep, accountexport.SweepInput{Grace: time.Minute})
	next, ok := errors.AsType[*workflow.ContinueAsNewError](first.GetWorkflowError())
	require.True(t, ok, first.GetWorkflowError())
	var in accountexport.SweepInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &in))
	require.Equal(t, accountexport.SweepInput{Grace: time.Minute, After: done.Export, Done: accountexport.StorageSweepResult{Exports: 1}}, in)
	first.AssertExpectations(t)

	second := suite.NewTestWorkflowEnvironment()
	registry.RegisterWorkflows(second)
	second.RegisterActivity(a)
	second.OnActivity(a.FindOverdueExports, mock.Anything, exportactivities.FindOverdueExportsInput{Grace: time.Minute, After: done.Export}).
		Return(exportactivities.FindOverdueExportsResult{}, nil).Once()
	second.OnActivity(a.RemoveOrphanedExports, mock.Anything, mock.Anything).Return(activities.RemoveOrphansResult{}, nil).Once()
	second.ExecuteWorkflow(accountexport.AccountExportStorageSweep, in)
	require.NoError(t, second.GetWorkflowError())
	var swept accountexport.StorageSweepResult
	require.NoError(t, second.GetWorkflowResult(&swept))
	require.Equal(t, accountexport.StorageSweepResult{Exports: 1}, swept, "what the first did counts")
	second.AssertExpectations(t)
}

func TestTheSweepPurgesOldRowsWhateverElseFails(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	registry.RegisterWorkflows(env)
	env.RegisterActivity(a)
	away := temporal.NewNonRetryableApplicationError("the database is away", "away", nil)
	env.OnActivity(a.DestroyExpiredExportKeys, mock.Anything).Return(0, away).Once()
	env.OnActivity(a.ReconcileExports, mock.Anything, mock.Anything).Return(0, away).Once()
	env.OnActivity(a.EndAbandonedExports, mock.Anything, mock.Anything).Return(0, away).Once()
	env.OnActivity(a.PurgeHistory, mock.Anything).Return(nil).Once()
	env.ExecuteWorkflow(accountexport.AccountExportSweep, accountexport.SweepInput{Grace: time.Minute})
	require.ErrorContains(t, env.GetWorkflowError(), "the database is away")
	env.AssertExpectations(t)
}
