package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/store"
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

func TestHistoryIsDeletedAfterItsRetentionAndNothingElseIs(t *testing.T) {
	s := open(t)
	old, recent, kept, open := ended(t, s), ended(t, s), confirmed(t, s), newExport()
	require.NoError(t, s.OpenExport(t.Context(), open))
	_, err := s.BeginRemoval(t.Context(), kept.Export, schema.Ending{Status: schema.Cancelled, Reason: schema.ReasonCancelled}, "US1") // and is not proven
	require.NoError(t, err)
	for _, o := range []schema.NewExport{old, recent, kept, open} {
		require.NoError(t, s.RecordEmailOutcome(t.Context(), o.Export, "confirm/US1/1", true))
	}
	exec(t, s.DB, `update satchel.exports set requested_at = requested_at - interval '3 years'`)
	exec(t, s.DB, `update satchel.exports set ended_at = ended_at - interval '800 days' where id <> $1`, recent.Export)
	execAsOwner(t, s.DB, `update satchel.audit set at = at - interval '800 days' where subject = $1`, old.Export)
	execAsOwner(t, s.DB, `update satchel.audit set at = at - interval '4 years' where id in (select id from satchel.audit where subject = $1 order by id limit 1)`, old.Export)
	b := s.BulkExports()
	on, url, method := true, "https://example.com", "POST"
	for _, account := range []string{"ACon", "ACoff", "ACoffsince"} {
		_, err := b.Configure(t.Context(), account, schema.Calls, "US1", schema.BulkChange{Enabled: &on, URL: &url, Method: &method})
		require.NoError(t, err)
	}
	exec(t, s.DB, `update satchel.bulk_configurations set enabled = account_sid = 'ACon', changed_at = changed_at - interval '1 day' * case account_sid when 'ACoffsince' then 700 else 800 end`)
	exec(t, s.DB, `insert into satchel.sessions (token, data, expiry) values ('over', '', now() - interval '1 minute'), ('current', '', now() + interval '1 minute')`)
	require.NoError(t, b.Unsubscribe(t.Context(), "US1"))
	exec(t, s.DB, `update satchel.unsubscribed set at = at - interval '9 years'`)

	audits := count(t, s.DB, "audit")
	for range 2 {
		require.NoError(t, s.PurgeHistory(t.Context(), schema.HistoryRetention{}.WithDefaults()))
	}
	_, err = s.Export(t.Context(), old.Export)
	requireNotFound(t, err)
	for _, o := range []schema.NewExport{recent, kept, open} {
		e, err := s.Export(t.Context(), o.Export)
		require.NoError(t, err)
		require.Len(t, e.Categories, len(schema.Categories))
	}
	require.Equal(t, []int{0, 3, 2, 1}, []int{countOf(t, s.DB, "removals", old.Export), count(t, s.DB, "emails"), count(t, s.DB, "removals"), count(t, s.DB, "sessions")})
	require.Equal(t, audits-1, count(t, s.DB, "audit"), "its exports may be gone, but the audit trail lives longer")
	require.Equal(t, []int{2, 1}, []int{count(t, s.DB, "bulk_configurations"), count(t, s.DB, "unsubscribed")})
	unsubscribed, err := b.Unsubscribed(t.Context(), []string{"US1"})
	require.NoError(t, err)
	require.True(t, unsubscribed["US1"])
}

func TestAnExportThatHasEndedIsOneRowThatStillShowsItsCategories(t *testing.T) {
	s := open(t)
	o := collected(t, s)
	_, err := s.CompleteExport(t.Context(), o.Export, anArchive(o.Export), schema.DefaultWindows())
	require.NoError(t, err)
	before, err := s.Export(t.Context(), o.Export)
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{Status: schema.Expired, Reason: schema.ReasonWindowPassed}, "satchel", schema.Certificate{Objects: 1}))
		after, err := s.Export(t.Context(), o.Export)
		require.NoError(t, err)
		require.Equal(t, before.Categories, after.Categories)
		require.NotEmpty(t, after.Categories)
	}
	for _, table := range []string{"categories", "pieces", "segments", "export_keys"} {
		require.Zero(t, countOf(t, s.DB, table, o.Export), table)
	}
	var recipient string
	require.NoError(t, s.SQL().QueryRow(`select recipient from satchel.exports where id = $1`, o.Export).Scan(&recipient))
	require.Empty(t, recipient)
	stored, err := s.BeginRemoval(t.Context(), o.Export, schema.Ending{Status: schema.Expired}, "")
	require.NoError(t, err)
	require.True(t, stored, "a repeated removal looks for objects again")
}

// ended opens and cancels an export.
func ended(t *testing.T, s *store.AccountExports) schema.NewExport {
	o := confirmed(t, s)
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{Status: schema.Cancelled, Reason: schema.ReasonCancelled}, "US1", schema.Certificate{}))
	return o
}

func TestTheAuditTrailOfTheLastYearCannotBePurged(t *testing.T) {
	s := open(t)
	o := ended(t, s)
	rows := count(t, s.DB, "audit")
	execAsOwner(t, s.DB, `update satchel.audit set at = at - interval '364 days' where subject = $1`, o.Export)
	require.NoError(t, s.PurgeHistory(t.Context(), schema.HistoryRetention{History: schema.MinHistoryRetention, Audit: 1}))
	require.Equal(t, rows, count(t, s.DB, "audit"))
	execAsOwner(t, s.DB, `update satchel.audit set at = at - interval '2 days' where subject = $1`, o.Export)
	require.NoError(t, s.PurgeHistory(t.Context(), schema.HistoryRetention{History: schema.MinHistoryRetention, Audit: 1}))
	require.Zero(t, count(t, s.DB, "audit"))
}
