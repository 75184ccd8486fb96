package workflows_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"satchel/workflows/registry"
)

// recorded are the paths of our workflows of which there are histories.
var recorded = []string{
	"account-export-storage-sweep", "account-export-sweep", "bulk-configuration", "bulk-daily", "bulk-day", "bulk-export-storage-sweep", "bulk-export-sweep", "bulk-job", "bulk-job-rejected", "bulk-job-stopped",
	"call-erasure", "cancelled-pending", "cancelled-processing", "confirmation-resent", "confirmed", "confirmed-with-cooldown",
	"day-file-removal", "day-rebuild", "email", "failed", "removed", "unconfirmed", "webhook-delivery",
}

func histories(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/replay/*.json")
	require.NoError(t, err)
	return paths
}

// Runs that are in flight when a new build is deployed continue with its code.
func TestRecordedHistoriesStillReplay(t *testing.T) {
	var names []string
	for _, path := range histories(t) {
		names = append(names, strings.TrimSuffix(filepath.Base(path), ".json"))
	}
	require.Subset(t, names, recorded, "make record writes them")
	for _, path := range histories(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			replayer := worker.NewWorkflowReplayer()
			registry.RegisterWorkflows(replayer)
			require.NoError(t, replayer.ReplayWorkflowHistoryFromJSONFile(nil, path))
		})
	}
}

func TestEveryRegisteredWorkflowHasARecordedHistory(t *testing.T) {
	has := map[string]bool{}
	for _, path := range histories(t) {
		has[started(t, path).GetWorkflowType().GetName()] = true
	}
	for _, w := range registeredWorkflows() {
		require.True(t, has[w], "%s has none; make record writes them", w)
	}
}

// started is the first event of a history.
func started(t *testing.T, path string) *historypb.WorkflowExecutionStartedEventAttributes {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	history, err := client.HistoryFromJSON(file, client.HistoryJSONOptions{})
	require.NoError(t, err)
	return history.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
}
