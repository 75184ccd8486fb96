package schema_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestBulkLimitsHaveTwiliosQuotaAndRetention(t *testing.T) {
	want := schema.BulkLimits{QuotaDays: 366, Retention: 7 * 24 * time.Hour, Patience: 12 * time.Hour}
	require.Equal(t, want, schema.DefaultBulkLimits())
	require.Equal(t, want, schema.BulkLimits{}.Filled())
	require.Equal(t, want, schema.BulkLimits{QuotaDays: -1, Retention: -1, Patience: -1}.Filled())
	own := schema.BulkLimits{QuotaDays: 1, Retention: 1, Patience: 1}
	require.Equal(t, own, own.Filled())
}

func TestAnExportHasADayForEachStepAndHalfADayOfRetries(t *testing.T) {
	want := schema.Windows{Confirm: 24 * time.Hour, Download: 24 * time.Hour, Cooldown: 24 * time.Hour, Collect: 12 * time.Hour}
	require.Equal(t, want, schema.DefaultWindows())
	require.Equal(t, want, schema.Windows{}.Filled())
	require.Equal(t, want, schema.Windows{Confirm: -1, Download: -1, Cooldown: -1, Collect: -1}.Filled())
	own := schema.Windows{Confirm: 1, Download: 2, Cooldown: 3, Collect: 4}
	require.Equal(t, own, own.Filled())
}

// These are promised to customers, or configured elsewhere to match.
func TestDurationsAreAsPromised(t *testing.T) {
	require.Equal(t, 4, schema.JobDaysAtOnce)
	require.Equal(t, 24*time.Hour, schema.EmailRetryWindow)
	require.Equal(t, 24*time.Hour, schema.WebhookRetryWindow)
	require.Equal(t, 7*24*time.Hour, schema.DailyCatchUp)
	require.Equal(t, 7*24*time.Hour, schema.AccountGoneAfter)
	require.Equal(t, 5*time.Minute, schema.PublishWithin)
	require.Equal(t, 5*time.Minute, schema.OutdatedWithin)
}
