package e2e

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"satchel/dev/demo"
	"satchel/dev/stack"
	"satchel/schema"
)

// dayFiles are the IDs of the day files that have objects in the bucket.
func dayFiles(t *testing.T, st *stack.Stack) []string {
	t.Helper()
	found := map[string]bool{}
	pages := s3.NewListObjectsV2Paginator(st.S3.Client(), &s3.ListObjectsV2Input{
		Bucket: aws.String(st.Demo.S3.Bucket), Prefix: aws.String(schema.DayFolder),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, o := range page.Contents {
			id, _, _ := strings.Cut(strings.TrimPrefix(*o.Key, schema.DayFolder), "/")
			found[id] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// knownDayFiles are the IDs of the day files that have a row.
func knownDayFiles(t *testing.T, st *stack.Stack) []string {
	t.Helper()
	rows, err := databaseOf(t, st).Query(`select id from satchel.day_files`)
	require.NoError(t, err)
	defer rows.Close()
	var known []string
	for rows.Next() {
		var id string
		require.NoError(t, rows.Scan(&id))
		known = append(known, id)
	}
	require.NoError(t, rows.Err())
	slices.Sort(known)
	return known
}

func TestKillingTheWorkerCostsABulkJobTimeAndNothingElse(t *testing.T) {
	n := newTenant(t, demo.With{})
	r := newReceiver(t, nil)
	to := yesterday()
	from := to.Plus(-59)
	n.fill(schema.Messages, from, to, 400)
	job := n.job(schema.Messages, from, to, telling(r.URL, "POST"))
	kills := 0
	for kills < 4 {
		pause(t, time.Duration(rand.Int64N(int64(time.Second))))
		seen, err := n.BulkexportsV1.FetchJob(*job.JobSid)
		require.NoError(t, err)
		if len(statuses(t, seen.Details)[schema.DayCompleted]) == 60 {
			break
		}
		require.NoError(t, n.st.Worker.Kill())
		kills++
		require.NoError(t, n.st.Worker.Start(t.Context()))
	}
	require.Positive(t, kills)
	require.Equal(t, map[schema.DayStatus][]schema.Day{schema.DayCompleted: from.To(to)}, n.ended(*job.JobSid, 3*time.Minute))
	for _, day := range from.To(to) {
		lines := n.lines(schema.Messages, day)
		require.Len(t, lines, 400)
		n.requireRecords(schema.Messages, day, lines)
	}
	require.Len(t, n.days(schema.Messages), 60)
	n.delivered(time.Minute)
	require.Len(t, r.all(), 1)
	until(t, func() bool { return slices.Equal(knownDayFiles(t, n.st), dayFiles(t, n.st)) }, time.Minute)
}
