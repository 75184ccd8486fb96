package workflows_test

import (
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/activities"
	exportactivities "satchel/activities/accountexport"
	bulkactivities "satchel/activities/bulkexport"
	"satchel/workflows/registry"
)

// The names of workflows and activities are part of the contract with runs in flight:
// renaming one is a decision.
func TestNamesOfTypesArePinned(t *testing.T) {
	var names []string
	for _, w := range registeredWorkflows() {
		names = append(names, "workflow "+w)
	}
	for _, a := range []any{&exportactivities.Activities{}, &bulkactivities.Activities{}, &activities.EmailActivities{}} {
		for method := range reflect.TypeOf(a).Methods() {
			names = append(names, "activity "+method.Name)
		}
	}
	slices.Sort(names)
	require.Equal(t, names, slices.Compact(slices.Clone(names)), "one worker registers them all")
	want, err := os.ReadFile("testdata/types.golden")
	require.NoError(t, err)
	require.Equal(t, string(want), strings.Join(names, "\n")+"\n")
}

// registeredWorkflows are the names under which a worker registers our workflows.
func registeredWorkflows() []string {
	var r registered
	registry.RegisterWorkflows(&r)
	return r
}

type registered []string

func (r *registered) RegisterWorkflow(w any) {
	name := runtime.FuncForPC(reflect.ValueOf(w).Pointer()).Name()
	*r = append(*r, name[strings.LastIndexByte(name, '.')+1:])
}
