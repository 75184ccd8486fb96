package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestADayEndsOnceItIsCompletedFailedOrDeleted(t *testing.T) {
	ended := map[schema.DayStatus]bool{
		schema.DayCompleted: true, schema.DayCompletedEmpty: true, schema.DayFailed: true, schema.DayDeleted: true,
	}
	require.Len(t, schema.DayStatuses, 8)
	for _, status := range schema.DayStatuses {
		require.Equal(t, ended[status], status.Ended(), status)
	}
}

func TestResourceTypesAreSpelledAsTwilioDoes(t *testing.T) {
	require.Equal(t, []schema.ResourceType{"Messages", "Calls", "Conferences", "Participants"}, schema.ResourceTypes)
	require.True(t, schema.IsResourceType("Calls"))
	require.False(t, schema.IsResourceType("calls"))
	require.False(t, schema.IsResourceType(""))
}
