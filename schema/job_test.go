package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestAnEventCountsDaysByHowTheyEnded(t *testing.T) {
	var got schema.Result
	for status, times := range map[schema.DayStatus]int{
		schema.DayCompleted: 1, schema.DayCompletedEmpty: 2, schema.DayFailed: 3, schema.DayDeleted: 4,
		schema.DayRunningToBeDeleted: 5, schema.DaySubmitted: 6, schema.DayRunning: 7, schema.DayErrorDuringRun: 8,
	} {
		for range times {
			got.Add(status)
		}
	}
	require.Equal(t, schema.Result{Completed: 1, Empty: 2, Failed: 3}, got)
}

func TestADayEndsOnceItIsCompletedFailedOrDeleted(t *testing.T) {
	ended := map[schema.DayStatus]bool{
		schema.DayCompleted: true, schema.DayCompletedEmpty: true, schema.DayFailed: true, schema.DayDeleted: true,
	}
	require.Len(t, schema.DayStatuses, 8)
	for _, status := range schema.DayStatuses {
		require.Equal(t, ended[status], status.Ended(), status)
	}
}

// What is sealed for one purpose cannot be opened for another.
func TestWhatIsSealedIsBoundToItsJobOrType(t *testing.T) {
	purposes := map[string]bool{schema.SealedToken: true, schema.SealedJob(schema.NewJobID()): true, schema.SealedJob(schema.NewJobID()): true}
	for _, resourceType := range schema.ResourceTypes {
		purposes[schema.SealedChange(resourceType)] = true
	}
	require.Len(t, purposes, 3+len(schema.ResourceTypes))
}

func TestResourceTypesAreSpelledAsTwilioDoes(t *testing.T) {
	require.Equal(t, []schema.ResourceType{"Messages", "Calls", "Conferences", "Participants"}, schema.ResourceTypes)
	require.True(t, schema.IsResourceType("Calls"))
	require.False(t, schema.IsResourceType("calls"))
	require.False(t, schema.IsResourceType(""))
}
