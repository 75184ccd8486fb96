package schema_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestObjectsOfAnExportAreUnderItsPrefix(t *testing.T) {
	require.Equal(t, "exports/EX1/", schema.ObjectPrefix("EX1"))
	require.Equal(t, "exports/EX1/calls/00007-ab", schema.PieceObject("EX1", "calls", 7, "ab"))
	require.Equal(t, "exports/EX1/archive-ab", schema.ArchiveObject("EX1", "ab"))
	require.True(t, strings.HasPrefix(schema.ObjectPrefix("EX1"), schema.ExportFolder))
}

func TestObjectsOfADayFileAreUnderItsPrefix(t *testing.T) {
	require.Equal(t, "days/DF1/", schema.DayPrefix("DF1"))
	require.Equal(t, "days/DF1/lines.gz", schema.DayObject("DF1"))
	require.True(t, strings.HasPrefix(schema.DayPrefix("DF1"), schema.DayFolder))
}

func TestAnEmailHasOneKeyForEachKindPersonAndLinkVersion(t *testing.T) {
	require.Equal(t, "confirmation/US1/2", schema.LetterName(schema.ConfirmationLetter, "US1", 2))
}
