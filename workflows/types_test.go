package workflows_test

import (
	"os"
	"reflect"
	"runtime"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"

	"satchel/workflows"
)

// The names of workflows and activities are part of the contract with what is
// in flight: renaming one is a decision.
func TestNamesOfTypesArePinned(t *testing.T) {
	seen := &registry{}
	workflows.Register(seen)
	for method := range reflect.TypeOf(hands).Methods() {
		seen.names = append(seen.names, "activity "+method.Name)
	}
	sort.Strings(seen.names)
	want, err := os.ReadFile("testdata/types.golden")
	require.NoError(t, err)
	require.Equal(t, string(want), strings.Join(seen.names, "\n")+"\n")
}

type registry struct {
	worker.WorkflowRegistry
	names []string
}

func (r *registry) RegisterWorkflow(w any) {
	name := workflowName(w)
	r.names = append(r.names, "workflow "+name)
}

func workflowName(w any) string {
	return strings.TrimPrefix(runtime.FuncForPC(reflect.ValueOf(w).Pointer()).Name(), "satchel/workflows.")
}
