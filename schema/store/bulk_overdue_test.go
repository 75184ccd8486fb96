package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestOnlyJobsWithoutAnEndAreOverdue(t *testing.T) {
	s := openBulk(t)
	ended, young, a, b := opened(t, s, schema.NewAccountID()), opened(t, s, schema.NewAccountID()), opened(t, s, schema.NewAccountID()), opened(t, s, schema.NewAccountID())
	_, err := s.EndJob(t.Context(), ended.ID)
	require.NoError(t, err)
	exec(t, s.DB, `update satchel.jobs set created_at = created_at - interval '2 hours' where id <> $1`, young.ID)
	want := []string{min(a.ID, b.ID), max(a.ID, b.ID)}
	list, err := s.OverdueJobs(t.Context(), time.Hour, "", 10)
	require.NoError(t, err)
	require.Equal(t, want, list)
	list, err = s.OverdueJobs(t.Context(), time.Hour, want[0], 1)
	require.NoError(t, err)
	require.Equal(t, want[1:], list)
}

func TestAnEmailAtAJobsEndIsListedUntilItHasAnOutcomeOrIsTooOld(t *testing.T) {
	s := openBulk(t)
	const emailKey = "job_ended/job-email/1"
	var want []string
	ended := func(spoil string) string {
		o := aJob(schema.NewAccountID())
		o.Email = "loader@example.com"
		require.NoError(t, s.OpenJob(t.Context(), o))
		_, err := s.EndJob(t.Context(), o.ID)
		require.NoError(t, err)
		exec(t, s.DB, `update satchel.jobs set ended_at = clock_timestamp() - interval '2 hours' where id = $1`, o.ID)
		if spoil != "" {
			exec(t, s.DB, `update satchel.jobs set `+spoil+` where id = $1`, o.ID)
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
	require.NoError(t, s.SettleLetter(t.Context(), ended(""), emailKey, false))
	var got []string
	for after := ""; ; {
		list, err := s.UnmailedJobs(t.Context(), emailKey, time.Hour, 24*time.Hour, after, 2)
		require.NoError(t, err)
		if len(list) == 0 {
			break
		}
		after = list[len(list)-1].ID
		got = append(got, jobIDs(list)...)
	}
	require.Equal(t, want, got)
}

func TestPendingEventsAreListedInPages(t *testing.T) {
	s := openBulk(t)
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
