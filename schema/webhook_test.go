package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestAnEventCountsDaysByHowTheyEnded(t *testing.T) {
	var got schema.EventResult
	for status, times := range map[schema.DayStatus]int{
		schema.DayCompleted: 1, schema.DayCompletedEmpty: 2, schema.DayFailed: 3, schema.DayDeleted: 4,
		schema.DayRunningToBeDeleted: 5, schema.DaySubmitted: 6, schema.DayRunning: 7, schema.DayErrorDuringRun: 8,
	} {
		for range times {
			got.Add(status)
		}
	}
	require.Equal(t, schema.EventResult{Completed: 1, Empty: 2, Failed: 3}, got)
}
