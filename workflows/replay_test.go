package workflows_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"

	"satchel/workflows"
)

// recorded are the ways through our workflows of which there are histories.
var recorded = []string{
	"bulk-configuration", "bulk-daily", "bulk-day", "bulk-job", "bulk-job-refused", "bulk-job-stopped",
	"cancelled-pending", "cancelled-processing", "confirmed", "confirmed-with-cooldown", "erase-calls", "failed",
	"job-letter", "lapsed", "mail-lost", "remove-day-file", "removed", "sweep", "sweep-bulk", "webhook",
}

// What is in flight when a new build is deployed goes on with the new code.
func TestRecordedHistoriesStillReplay(t *testing.T) {
	histories, err := filepath.Glob("testdata/replay/*.json")
	require.NoError(t, err)
	var names []string
	for _, path := range histories {
		names = append(names, strings.TrimSuffix(filepath.Base(path), ".json"))
	}
	require.Subset(t, names, recorded, "make record writes them")
	for _, path := range histories {
		t.Run(filepath.Base(path), func(t *testing.T) {
			replayer := worker.NewWorkflowReplayer()
			workflows.Register(replayer)
			require.NoError(t, replayer.ReplayWorkflowHistoryFromJSONFile(nil, path))
		})
	}
}
