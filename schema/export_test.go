package schema_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestAnExportHasADayForEachStepAndHalfADayOfRetries(t *testing.T) {
	want := schema.Windows{Confirm: 24 * time.Hour, Download: 24 * time.Hour, Cooldown: 24 * time.Hour, Collect: 12 * time.Hour}
	require.Equal(t, want, schema.DefaultWindows())
	require.Equal(t, want, schema.Windows{}.WithDefaults())
	require.Equal(t, want, schema.Windows{Confirm: -1, Download: -1, Cooldown: -1, Collect: -1}.WithDefaults())
	own := schema.Windows{Confirm: 1, Download: 2, Cooldown: 3, Collect: 4}
	require.Equal(t, own, own.WithDefaults())
}
