package schema_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestObjectsOfAnExportAreUnderItsPrefix(t *testing.T) {
	require.Equal(t, "exports/EX1/", schema.ExportPrefix("EX1"))
	require.Equal(t, "exports/EX1/calls/00007-ab", schema.PieceObject("EX1", "calls", 7, "ab"))
	require.Equal(t, "exports/EX1/archive-ab", schema.ArchiveObject("EX1", "ab"))
	require.True(t, strings.HasPrefix(schema.ExportPrefix("EX1"), schema.ExportsPrefix))
}

func TestObjectsOfADayFileAreUnderItsPrefix(t *testing.T) {
	require.Equal(t, "days/DF1/", schema.DayFilePrefix("DF1"))
	require.Equal(t, "days/DF1/lines.gz", schema.DayFileObject("DF1"))
	require.True(t, strings.HasPrefix(schema.DayFilePrefix("DF1"), schema.DayFilesPrefix))
}
