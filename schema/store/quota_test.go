package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/store"
)

// openElsewhere opens a database whose sessions are in a zone in which it is
// another day than in UTC, in a process that is there, too.
func openElsewhere(t *testing.T) *store.BulkExports {
	t.Helper()
	zone, offset := "Etc/GMT+12", -12 // twelve hours behind UTC
	if time.Now().UTC().Hour() >= 12 {
		zone, offset = "Etc/GMT-12", 12
	}
	local := time.Local
	t.Cleanup(func() { time.Local = local })
	time.Local = time.FixedZone(zone, offset*60*60)

	db, err := store.Open(testservices.Database(t), 1)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	exec(t, db, `select set_config('timezone', $1, false)`, zone) // of its one session, which began in UTC
	return db.BulkExports()
}

func TestTheQuotasDayIsUTCWhateverTheZone(t *testing.T) {
	s := openElsewhere(t)
	o := opened(t, s, schema.NewAccountID())
	now, err := s.Now(t.Context())
	require.NoError(t, err)
	var day schema.Day
	require.NoError(t, s.SQL().QueryRow(`select to_char(day, 'YYYY-MM-DD') from satchel.bulk_quota where account_sid = $1`, o.Account).Scan(&day))
	require.Equal(t, schema.DayOf(now), day)
	used, err := s.QuotaUsed(t.Context(), o.Account)
	require.NoError(t, err)
	require.Equal(t, 3, used)

	next := aJob(o.Account)
	next.QuotaDays = 5
	rejection, ok := errors.AsType[*schema.Error](s.OpenJob(t.Context(), next))
	require.True(t, ok)
	require.Equal(t, schema.CodeQuota, rejection.Code)
	midnight := schema.DayOf(now).Plus(1).Begins()
	require.WithinDuration(t, midnight, now.Add(rejection.RetryAfter), time.Minute)

	summaries, err := s.AccountSummaries(t.Context(), []string{o.Account})
	require.NoError(t, err)
	require.Equal(t, 3, summaries[o.Account].DaysToday)
	for age, want := range map[time.Duration]int{midnight.Sub(now) - 24*time.Hour + time.Second: 3, midnight.Sub(now) - 24*time.Hour - time.Second: 0} {
		exec(t, s.DB, `update satchel.jobs set created_at = $1 where id = $2`, now.Add(age), o.ID) // just after UTC midnight, and just before
		summaries, err := s.AccountSummaries(t.Context(), []string{o.Account})
		require.NoError(t, err)
		require.Equal(t, want, summaries[o.Account].DaysToday)
	}

	exec(t, s.DB, `insert into satchel.bulk_quota select account_sid, day - 1, 5 from satchel.bulk_quota`)
	require.NoError(t, s.PurgeBulk(t.Context(), week))
	require.Equal(t, 1, count(t, s.DB, "bulk_quota"), "yesterday's is deleted, today's stays")
	used, err = s.QuotaUsed(t.Context(), o.Account)
	require.NoError(t, err)
	require.Equal(t, 3, used)
}

func TestDaysAreReadAsWrittenWhateverTheZone(t *testing.T) {
	s := openElsewhere(t)
	o := opened(t, s, schema.NewAccountID())
	j, err := s.Job(t.Context(), o.ID)
	require.NoError(t, err)
	require.Equal(t, []schema.Day{o.Start, o.End}, []schema.Day{j.Start, j.End})
	require.Equal(t, []schema.JobDay{{Day: "2026-02-27", Status: schema.DaySubmitted}, {Day: "2026-02-28", Status: schema.DaySubmitted}, {Day: "2026-03-01", Status: schema.DaySubmitted}}, j.Days)

	f := aFile(o.Account)
	published(t, s, f, "")
	require.Equal(t, f.Day, file(t, s, f).Day)

	e := anEvent(o.Account)
	e.Day = "2026-02-28"
	require.NoError(t, s.OpenEvent(t.Context(), e))
	got, err := s.Event(t.Context(), e.ID)
	require.NoError(t, err)
	require.Equal(t, []schema.Day{e.Day, e.Start, e.End}, []schema.Day{got.Day, got.Start, got.End})

	require.NoError(t, eraseCalls(s, o.Account, "", []schema.Erasure{{Call: "CA1", Day: "2026-02-28"}}))
	day, erased, err := s.ErasedCall(t.Context(), o.Account, "CA1")
	require.NoError(t, err)
	require.True(t, erased)
	require.Equal(t, schema.Day("2026-02-28"), day)
}
