package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestPurgeDeletesOnlyWhatIsOver(t *testing.T) {
	s := openBulk(t)
	account := schema.NewAccountID()
	old, recent, running := opened(t, s, account), opened(t, s, account), opened(t, s, account)
	for _, o := range []schema.NewJob{old, recent} {
		_, err := s.EndJob(t.Context(), o.ID)
		require.NoError(t, err)
	}
	exec(t, s.DB, `update satchel.jobs set created_at = created_at - interval '30 days'`)
	exec(t, s.DB, `update satchel.jobs set ended_at = ended_at - interval '8 days' where id = $1`, old.ID)
	for _, o := range []schema.NewJob{old, recent, running} {
		require.NoError(t, s.RecordEmailOutcome(t.Context(), o.ID, "job_ended/US1/1", true))
	}
	export := newExport()
	require.NoError(t, s.AccountExports().OpenExport(t.Context(), export))
	require.NoError(t, s.RecordEmailOutcome(t.Context(), export.Export, "confirm/US1/1", true))

	eightDaysAgo := time.Now().Add(-8 * 24 * time.Hour)
	pending, failed, fresh := anEvent(account), anEvent(account), anEvent(account)
	pending.At, failed.At = eightDaysAgo, eightDaysAgo
	for _, e := range []schema.Event{pending, failed, fresh} {
		require.NoError(t, s.OpenEvent(t.Context(), e))
		require.NoError(t, s.RecordAttempt(t.Context(), e.ID, schema.EventAttempt{Outcome: "timed out"}))
	}
	lost := anEvent(account)
	lost.At = eightDaysAgo.Add(-2 * 24 * time.Hour)
	require.NoError(t, s.OpenEvent(t.Context(), lost))
	require.NoError(t, s.MarkEventFailed(t.Context(), failed.ID))
	require.NoError(t, s.MarkEventFailed(t.Context(), fresh.ID))
	exec(t, s.DB, `insert into satchel.bulk_quota select account_sid, day - 1, 5 from satchel.bulk_quota`)

	for range 2 {
		require.NoError(t, s.PurgeBulk(t.Context(), week))
	}
	_, err := s.Job(t.Context(), old.ID)
	requireNotFound(t, err)
	for _, o := range []schema.NewJob{recent, running} {
		_, err = s.Job(t.Context(), o.ID)
		require.NoError(t, err)
	}
	_, err = s.Event(t.Context(), failed.ID)
	requireNotFound(t, err)
	_, err = s.Event(t.Context(), lost.ID)
	requireNotFound(t, err) // no workflow can still be delivering it
	for _, e := range []schema.Event{pending, fresh} {
		_, err = s.Event(t.Context(), e.ID)
		require.NoError(t, err)
	}
	require.Equal(t, []int{6, 3, 2, 1}, []int{count(t, s.DB, "job_days"), count(t, s.DB, "emails"), count(t, s.DB, "event_attempts"), count(t, s.DB, "bulk_quota")})
	used, err := s.QuotaUsed(t.Context(), account)
	require.NoError(t, err)
	require.Equal(t, 9, used, "today's is still taken")
}
