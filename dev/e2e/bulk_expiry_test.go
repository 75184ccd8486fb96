package e2e

import (
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twilio/twilio-go/client"
	bulkexports "github.com/twilio/twilio-go/rest/bulkexports/v1"

	"satchel/dev/demo"
	"satchel/dev/fixture"
	"satchel/dev/stack"
	"satchel/schema"
)

// The stack keeps files for seconds and has a small quota.
func TestFilesExpireAndTheQuotaHolds(t *testing.T) {
	t.Parallel()
	const quota = 40
	st := fixture.ForTest(t, stack.Options{
		Env: []string{"DAY_RETENTION=40s", "SWEEP_EVERY=5s", "SWEEP_GRACE=10s", "QUOTA_DAYS=40", "RATE_LIMIT=500"},
	})

	t.Run("a parent and its subaccounts share one quota", func(t *testing.T) {
		parent := newAccountOn(t, st, demo.With{})
		sub := newAccountOn(t, st, demo.With{Parent: parent.AccountSID})
		parent.job(schema.Calls, fixture.Yesterday().Plus(-9), fixture.Yesterday())
		succeeded := createConcurrently(t, 50, parent, sub)
		require.LessOrEqual(t, succeeded, quota-10)
		for n, err := parent, error(nil); err == nil; { // uses up what requests with 503 left
			if _, err = n.create(schema.Conferences, jobParams(fixture.Yesterday(), fixture.Yesterday())); err != nil {
				requireRestError(t, err, http.StatusTooManyRequests, 20429)
			}
		}
		for _, n := range []account{parent, sub} {
			_, err := n.create(schema.Messages, jobParams(fixture.Yesterday(), fixture.Yesterday()))
			requireRestError(t, err, http.StatusTooManyRequests, 20429)
		}
		var days int
		require.NoError(t, st.DB.QueryRow(`select sum(days) from satchel.bulk_quota where account_sid in ($1, $2)`, parent.AccountSID, sub.AccountSID).Scan(&days))
		require.Equal(t, quota, days)
		unrelated := newAccountOn(t, st, demo.With{})
		unrelated.job(schema.Messages, fixture.Yesterday(), fixture.Yesterday())
	})

	t.Run("expiry leaves no object behind", func(t *testing.T) {
		n := newAccountOn(t, st, demo.With{})
		to := fixture.Yesterday()
		n.fill(schema.Calls, to, to, 10)
		job := n.job(schema.Calls, to.Plus(-1), to)
		n.awaitEnded(*job.JobSid)
		link := n.fileLink(schema.Calls, to)
		res, _ := fetch(t, link)
		require.Equal(t, http.StatusOK, res.StatusCode)
		db := st.DB
		var files []string
		for _, day := range []schema.Day{to.Plus(-1), to} {
			var id string
			require.NoError(t, db.QueryRow(`select id from satchel.day_files where account_sid = $1 and day = $2 and wrapped is not null`, n.AccountSID, day).Scan(&id))
			files = append(files, id)
		}

		fixture.Until(t, func() bool { return len(n.listDays(schema.Calls)) == 0 }, fixture.Timeout)
		for _, day := range []schema.Day{to.Plus(-1), to} {
			_, err := n.BulkexportsV1.FetchDay("Calls", string(day))
			requireRestError(t, err, http.StatusNotFound, 20404)
		}
		res, body := fetch(t, link)
		require.Equal(t, http.StatusNotFound, res.StatusCode, "%s", body)
		require.Equal(t, "application/json; charset=utf-8", res.Header.Get("Content-Type"))
		for _, id := range files {
			fixture.Until(t, func() bool { return !slices.Contains(dayFiles(t, st), id) }, fixture.Timeout)
			fixture.Until(t, func() bool {
				var rows, certificates int
				require.NoError(t, db.QueryRow(`select count(*) from satchel.day_files where id = $1`, id).Scan(&rows))
				require.NoError(t, db.QueryRow(`select count(*) from satchel.audit where subject = $1 and action = 'removed'
					and (details->>'objects')::int > 0 and (details->>'left')::int = 0`, id).Scan(&certificates))
				return rows == 0 && certificates == 1
			}, fixture.Timeout)
		}
		fixture.Until(t, func() bool {
			listed, err := n.BulkexportsV1.ListExportCustomJob("Calls", new(bulkexports.ListExportCustomJobParams))
			require.NoError(t, err)
			return len(listed) == 0
		}, fixture.Timeout)
		_, err := n.BulkexportsV1.FetchJob(*job.JobSid)
		requireRestError(t, err, http.StatusNotFound, 20404)
		fixture.Until(t, func() bool {
			var rows int
			require.NoError(t, db.QueryRow(`select count(*) from satchel.jobs where id = $1`, *job.JobSid).Scan(&rows))
			return rows == 0
		}, fixture.Timeout)
	})
}

// createConcurrently creates one-day jobs and returns how many requests succeeded. The
// others must be answered with 429 or 503.
func createConcurrently(t *testing.T, n int, accounts ...account) (succeeded int) {
	t.Helper()
	var all sync.WaitGroup
	results := make(chan error, n)
	for i := range n {
		all.Go(func() {
			day := fixture.Yesterday().Plus(-i)
			_, err := accounts[i%len(accounts)].BulkexportsV1.CreateExportCustomJob("Conferences", jobParams(day, day))
			results <- err
		})
	}
	all.Wait()
	close(results)
	for err := range results {
		if err == nil {
			succeeded++
			continue
		}
		if rejected, ok := err.(*client.TwilioRestError); ok && rejected.Status != http.StatusServiceUnavailable {
			requireRestError(t, err, http.StatusTooManyRequests, 20429)
		}
	}
	return succeeded
}
