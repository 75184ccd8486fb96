package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/store"
)

func exec(t *testing.T, s *store.Store, query string, args ...any) {
	_, err := s.DB().Exec(query, args...)
	require.NoError(t, err)
}

func count(t *testing.T, s *store.Store, table string) (n int) {
	require.NoError(t, s.DB().QueryRow(`select count(*) from satchel.`+table).Scan(&n))
	return n
}

func TestOnlyJobsWithoutAnEndAreOverdue(t *testing.T) {
	s := open(t)
	ended, young, a, b := opened(t, s, schema.NewAccountID()), opened(t, s, schema.NewAccountID()), opened(t, s, schema.NewAccountID()), opened(t, s, schema.NewAccountID())
	_, err := s.EndJob(t.Context(), ended.ID)
	require.NoError(t, err)
	exec(t, s, `update satchel.jobs set created_at = created_at - interval '2 hours' where id <> $1`, young.ID)
	want := []string{min(a.ID, b.ID), max(a.ID, b.ID)}
	list, err := s.OverdueJobs(t.Context(), time.Hour, "", 10)
	require.NoError(t, err)
	require.Equal(t, want, list)
	list, err = s.OverdueJobs(t.Context(), time.Hour, want[0], 1)
	require.NoError(t, err)
	require.Equal(t, want[1:], list)
}

func TestWhatIsOverIsForgottenAndNothingElse(t *testing.T) {
	s := open(t)
	account := schema.NewAccountID()
	old, recent, running := opened(t, s, account), opened(t, s, account), opened(t, s, account)
	for _, o := range []schema.JobOpening{old, recent} {
		_, err := s.EndJob(t.Context(), o.ID)
		require.NoError(t, err)
	}
	exec(t, s, `update satchel.jobs set created_at = created_at - interval '30 days'`)
	exec(t, s, `update satchel.jobs set ended_at = ended_at - interval '8 days' where id = $1`, old.ID)
	for _, o := range []schema.JobOpening{old, recent, running} {
		require.NoError(t, s.SettleLetter(t.Context(), o.ID, "job_ended/US1/1", true))
	}
	export := anOpening()
	require.NoError(t, s.OpenExport(t.Context(), export))
	require.NoError(t, s.SettleLetter(t.Context(), export.Export, "confirm/US1/1", true))

	long := time.Now().Add(-8 * 24 * time.Hour)
	pending, through, fresh := anEvent(account), anEvent(account), anEvent(account)
	pending.At, through.At = long, long
	for _, e := range []schema.Event{pending, through, fresh} {
		require.NoError(t, s.OpenEvent(t.Context(), e))
		require.NoError(t, s.NoteTry(t.Context(), e.ID, schema.EventTry{Outcome: "timed out"}))
	}
	lost := anEvent(account)
	lost.At = long.Add(-2 * 24 * time.Hour)
	require.NoError(t, s.OpenEvent(t.Context(), lost))
	require.NoError(t, s.GiveUpEvent(t.Context(), through.ID))
	require.NoError(t, s.GiveUpEvent(t.Context(), fresh.ID))
	exec(t, s, `insert into satchel.bulk_quota select family_sid, day - 1, 5 from satchel.bulk_quota`)

	for range 2 {
		require.NoError(t, s.ForgetBulk(t.Context(), week))
	}
	_, err := s.Job(t.Context(), old.ID)
	missing(t, err)
	for _, o := range []schema.JobOpening{recent, running} {
		_, err = s.Job(t.Context(), o.ID)
		require.NoError(t, err)
	}
	_, err = s.Event(t.Context(), through.ID)
	missing(t, err)
	_, err = s.Event(t.Context(), lost.ID)
	missing(t, err) // nobody delivers it any more
	for _, e := range []schema.Event{pending, fresh} {
		_, err = s.Event(t.Context(), e.ID)
		require.NoError(t, err)
	}
	require.Equal(t, []int{6, 3, 2, 1}, []int{count(t, s, "job_days"), count(t, s, "letters"), count(t, s, "event_tries"), count(t, s, "bulk_quota")})
	used, err := s.QuotaUsed(t.Context(), account)
	require.NoError(t, err)
	require.Equal(t, 9, used, "today's is still taken")
}

func TestAMailAtAJobsEndIsMissedUntilItIsSettledOrItsTimeIsOver(t *testing.T) {
	s := open(t)
	const letter = "job_ended/job-email/1"
	var want []string
	ended := func(spoil string) string {
		o := aJob(schema.NewAccountID())
		o.Email = "loader@example.com"
		require.NoError(t, s.OpenJob(t.Context(), o))
		_, err := s.EndJob(t.Context(), o.ID)
		require.NoError(t, err)
		exec(t, s, `update satchel.jobs set ended_at = clock_timestamp() - interval '2 hours' where id = $1`, o.ID)
		if spoil != "" {
			exec(t, s, `update satchel.jobs set `+spoil+` where id = $1`, o.ID)
		}
		return o.ID
	}
	for range 3 {
		want = append(want, ended(""))
	}
	slices.Sort(want)
	for _, spoil := range []string{"email = ''", "deleting_at = now()", "ended_at = now()", "ended_at = now() - interval '1 day'", "ended_at = null"} {
		ended(spoil)
	}
	require.NoError(t, s.SettleLetter(t.Context(), ended(""), letter, false))
	var got []string
	for after := ""; ; {
		list, err := s.UnmailedJobs(t.Context(), letter, time.Hour, 24*time.Hour, after, 2)
		require.NoError(t, err)
		if len(list) == 0 {
			break
		}
		after = list[len(list)-1].ID
		got = append(got, jobIDs(list)...)
	}
	require.Equal(t, want, got)
}

func TestAnEventIsPendingUntilItIsThrough(t *testing.T) {
	s := open(t)
	var want, got []string
	for n := range 5 {
		e := anEvent(schema.NewAccountID())
		e.At = time.Now().Add(-2 * time.Hour)
		if n == 0 {
			e.At = time.Now()
		}
		require.NoError(t, s.OpenEvent(t.Context(), e))
		switch n {
		case 1:
			require.NoError(t, s.GiveUpEvent(t.Context(), e.ID))
		case 2, 3, 4:
			want = append(want, e.ID)
		}
	}
	slices.Sort(want)
	for after := ""; ; {
		list, err := s.PendingEvents(t.Context(), time.Hour, after, 2)
		require.NoError(t, err)
		if len(list) == 0 {
			break
		}
		for _, e := range list {
			after, got = e.ID, append(got, e.ID)
		}
	}
	require.Equal(t, want, got)
}

func TestTheStandingTellsOfAllBulkExports(t *testing.T) {
	s := open(t)
	standing, err := s.BulkStanding(t.Context())
	require.NoError(t, err)
	require.Equal(t, store.BulkStanding{}, standing)
	ended, o := opened(t, s, schema.NewAccountID()), opened(t, s, schema.NewAccountID())
	exec(t, s, `update satchel.jobs set created_at = created_at - interval '1 hour' where id = $1`, o.ID)
	exec(t, s, `update satchel.jobs set created_at = created_at - interval '1 day' where id = $1`, ended.ID)
	_, err = s.EndJob(t.Context(), ended.ID)
	require.NoError(t, err)
	published(t, s, aFile(o.Account), "")
	published(t, s, aFile(ended.Account), "")
	e := anEvent(o.Account)
	require.NoError(t, s.OpenEvent(t.Context(), e))
	standing, err = s.BulkStanding(t.Context())
	require.NoError(t, err)
	require.InDelta(t, time.Hour, standing.Oldest, float64(time.Minute))
	standing.Oldest = 0
	require.Equal(t, store.BulkStanding{Jobs: 1, Files: 2, Bytes: 200, Events: 1}, standing)
}

func anEvent(account string) schema.Event {
	return schema.Event{ID: uuid.NewString(), Account: account, Type: schema.Calls, Job: schema.NewJobID(),
		Hook:   schema.Hook{URL: "https://hooks.example.com/bulk", Method: "POST"},
		Result: schema.Result{Name: "March audit", Start: "2026-02-27", End: "2026-03-01", Completed: 1, Empty: 1, Failed: 1}}
}
