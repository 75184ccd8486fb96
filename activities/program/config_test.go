package program

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestLinksNeedASiteAndAKeyThatOthersDoNotKnow(t *testing.T) {
	t.Parallel()
	const key = "8f1b2c3d4e5f60718293a4b5c6d7e8f9a8b7c6d5e4f30211fedcba9876543210"
	site, secret, err := Links{LinkKey: key, PublicBaseURL: "https://export.example.com/"}.Parse(false)
	require.NoError(t, err)
	require.Equal(t, schema.Site("https://export.example.com"), site)
	require.Len(t, secret, 32)

	_, _, err = Links{}.Parse(false)
	require.ErrorContains(t, err, "PUBLIC_BASE_URL is not set")
	require.ErrorContains(t, err, "LINK_KEY")
	_, _, err = Links{LinkKey: key, PublicBaseURL: "http://export.example.com"}.Parse(false)
	require.ErrorContains(t, err, "must begin with https://")

	development := Links{LinkKey: schema.NewDevelopmentLinkKey(), PublicBaseURL: "http://localhost:8080"}
	_, _, err = development.Parse(false)
	require.ErrorContains(t, err, "openssl rand -hex 32")
	_, _, err = development.Parse(true)
	require.NoError(t, err)
}

func TestDurationsOfBulkExportsArePositive(t *testing.T) {
	t.Parallel()
	require.NoError(t, Bulk{DayRetention: time.Hour, DayRetryWindow: time.Hour}.Check())
	require.ErrorContains(t, Bulk{DayRetryWindow: time.Hour}.Check(), "DAY_RETENTION must be longer")
	require.ErrorContains(t, Bulk{DayRetention: time.Hour, DayRetryWindow: -1}.Check(), "DAY_RETRY_WINDOW must be longer")
	require.NoError(t, CheckStopGrace(0))
	require.ErrorContains(t, CheckStopGrace(-1), "STOP_GRACE")
}
