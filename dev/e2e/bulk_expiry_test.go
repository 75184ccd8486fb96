package e2e

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twilio/twilio-go/client"
	bulkexports "github.com/twilio/twilio-go/rest/bulkexports/v1"

	"satchel/dev/demo"
	"satchel/dev/stack"
	"satchel/schema"
)

// A stack whose files are kept for seconds, and whose quota is small.
func TestFilesExpireAndTheQuotaHolds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const quota = 40
	st, err := stack.Start(context.Background(), stack.Options{
		Dir: dir,
		Env: []string{"DAY_RETENTION=40s", "SWEEP_EVERY=5s", "SWEEP_GRACE=10s", "QUOTA_DAYS=40", "RATE_LIMIT=500"},
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, st.Stop()) }()

	t.Run("a family never gets past its quota", func(t *testing.T) {
		parent := newTenantOf(t, st, dir, demo.With{})
		sub := newTenantOf(t, st, dir, demo.With{Parent: parent.AccountSID})
		parent.job(schema.Calls, yesterday().Plus(-9), yesterday())
		had := created(t, 50, parent, sub)
		require.LessOrEqual(t, had, quota-10)
		for n, err := parent, error(nil); err == nil; { // what was to be asked for again
			if _, err = n.create(schema.Conferences, aJob(yesterday(), yesterday())); err != nil {
				requireRefused(t, err, http.StatusTooManyRequests, 20429)
			}
		}
		for _, n := range []tenant{parent, sub} {
			_, err := n.create(schema.Messages, aJob(yesterday(), yesterday()))
			requireRefused(t, err, http.StatusTooManyRequests, 20429)
		}
		var days int
		require.NoError(t, databaseOf(t, st).QueryRow(`select sum(days) from satchel.bulk_quota where account_sid in ($1, $2)`, parent.AccountSID, sub.AccountSID).Scan(&days))
		require.Equal(t, quota, days)
		stranger := newTenantOf(t, st, dir, demo.With{})
		stranger.job(schema.Messages, yesterday(), yesterday())
	})

	t.Run("expiry leaves no object behind", func(t *testing.T) {
		n := newTenantOf(t, st, dir, demo.With{})
		to := yesterday()
		n.fill(schema.Calls, to, to, 10)
		job := n.job(schema.Calls, to.Plus(-1), to)
		n.ended(*job.JobSid)
		link := n.link(schema.Calls, to)
		res, _ := fetch(t, link)
		require.Equal(t, http.StatusOK, res.StatusCode)
		db := databaseOf(t, st)
		var files []string
		for _, day := range []schema.Day{to.Plus(-1), to} {
			var id string
			require.NoError(t, db.QueryRow(`select id from satchel.day_files where account_sid = $1 and day = $2 and wrapped is not null`, n.AccountSID, day).Scan(&id))
			files = append(files, id)
		}

		until(t, func() bool { return len(n.days(schema.Calls)) == 0 }, patience)
		for _, day := range []schema.Day{to.Plus(-1), to} {
			_, err := n.BulkexportsV1.FetchDay("Calls", string(day))
			requireRefused(t, err, http.StatusNotFound, 20404)
		}
		res, body := fetch(t, link)
		require.Equal(t, http.StatusNotFound, res.StatusCode, "%s", body)
		require.Equal(t, "application/json; charset=utf-8", res.Header.Get("Content-Type"))
		for _, id := range files {
			until(t, func() bool { return !slices.Contains(dayFiles(t, st), id) }, patience)
			until(t, func() bool {
				var rows, certificates int
				require.NoError(t, db.QueryRow(`select count(*) from satchel.day_files where id = $1`, id).Scan(&rows))
				require.NoError(t, db.QueryRow(`select count(*) from satchel.audit where subject = $1 and action = 'removed'
					and (details->>'objects')::int > 0 and (details->>'left')::int = 0`, id).Scan(&certificates))
				return rows == 0 && certificates == 1
			}, patience)
		}
		until(t, func() bool {
			listed, err := n.BulkexportsV1.ListExportCustomJob("Calls", new(bulkexports.ListExportCustomJobParams))
			require.NoError(t, err)
			return len(listed) == 0
		}, patience)
		_, err := n.BulkexportsV1.FetchJob(*job.JobSid)
		requireRefused(t, err, http.StatusNotFound, 20404)
		until(t, func() bool {
			var rows int
			require.NoError(t, db.QueryRow(`select count(*) from satchel.jobs where id = $1`, *job.JobSid).Scan(&rows))
			return rows == 0
		}, patience)
	})
}

// created asks for one-day jobs at the same time, and counts what was had. What
// was not, was refused, or was to be asked for again.
func created(t *testing.T, n int, who ...tenant) (had int) {
	t.Helper()
	var all sync.WaitGroup
	answers := make(chan error, n)
	for i := range n {
		all.Go(func() {
			day := yesterday().Plus(-i)
			_, err := who[i%len(who)].BulkexportsV1.CreateExportCustomJob("Conferences", aJob(day, day))
			answers <- err
		})
	}
	all.Wait()
	close(answers)
	for err := range answers {
		if err == nil {
			had++
			continue
		}
		if refused, ok := err.(*client.TwilioRestError); ok && refused.Status != http.StatusServiceUnavailable {
			requireRefused(t, err, http.StatusTooManyRequests, 20429)
		}
	}
	return had
}
