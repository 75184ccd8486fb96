package schema_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestAnExportIsActiveCompletedOrEnded(t *testing.T) {
	require.Equal(t, []schema.Status{"pending", "confirmed", "processing", "completed", "expired", "failed", "cancelled"}, schema.Statuses)
	for i, status := range schema.Statuses {
		require.Equal(t, i < 3, status.Cancellable(), status)
		require.Equal(t, i > 3, status.Ended(), status)
	}
}

// A migration cannot use the constants.
func TestMigrationsNameTheSameStatuses(t *testing.T) {
	var days []string
	for _, s := range schema.DayStatuses {
		days = append(days, string(s))
	}
	var exports []string
	for _, s := range schema.Statuses {
		exports = append(exports, string(s))
	}
	want := [][]string{
		exports, days,
		{string(schema.CategoryWaiting), string(schema.CategoryReading), string(schema.CategoryDone)},
		{string(schema.EventPending), string(schema.EventDelivered), string(schema.EventFailed)},
	}
	var found [][]string
	files, err := filepath.Glob("migrations/satchel/*.sql")
	require.NoError(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file) //nolint:gosec // a file of this repository
		require.NoError(t, err)
		for _, check := range regexp.MustCompile(`check \(status in\s*\(([^)]*)\)`).FindAllStringSubmatch(string(text), -1) {
			var statuses []string
			for _, quoted := range strings.Split(check[1], ",") {
				statuses = append(statuses, strings.Trim(strings.TrimSpace(quoted), "'"))
			}
			found = append(found, statuses)
		}
	}
	for _, list := range slices.Concat(want, found) {
		slices.Sort(list)
	}
	require.ElementsMatch(t, want, found)
}

func TestAFailedExportSaysWhatCouldNotBeRead(t *testing.T) {
	require.Contains(t, schema.ReasonFailed("phoneNumbers"), "your phone numbers.")
	require.Contains(t, schema.ReasonFailed(""), "The file")
}
