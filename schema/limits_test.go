package schema_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestBulkLimitsHaveTwiliosQuotaAndRetention(t *testing.T) {
	want := schema.BulkLimits{QuotaDays: 366, Retention: 7 * 24 * time.Hour, RetryWindow: 12 * time.Hour}
	require.Equal(t, want, schema.DefaultBulkLimits())
	require.Equal(t, want, schema.BulkLimits{}.WithDefaults())
	require.Equal(t, want, schema.BulkLimits{QuotaDays: -1, Retention: -1, RetryWindow: -1}.WithDefaults())
	own := schema.BulkLimits{QuotaDays: 1, Retention: 1, RetryWindow: 1}
	require.Equal(t, own, own.WithDefaults())
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
