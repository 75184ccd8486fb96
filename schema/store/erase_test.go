package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/store"
)

// mentions counts the rows of all our tables that contain a text.
func mentions(t *testing.T, db *store.DB, text string) (n int) {
	t.Helper()
	var tables []string
	rows, err := db.SQL().Query(`select table_name from information_schema.tables where table_schema = 'satchel' order by 1`)
	require.NoError(t, err)
	defer rows.Close() //nolint:errcheck // it was read to its end
	for rows.Next() {
		var table string
		require.NoError(t, rows.Scan(&table))
		tables = append(tables, table)
	}
	require.NoError(t, rows.Err())
	require.NotEmpty(t, tables)
	for _, table := range tables {
		var found int
		require.NoError(t, db.SQL().QueryRow(fmt.Sprintf(`select count(*) from satchel.%s t where t::text like '%%' || $1 || '%%'`, table), text).Scan(&found))
		n += found
	}
	return n
}

// past makes an account with an export and a job that are over, by a user, and
// everything that is kept of them.
func past(t *testing.T, s *store.AccountExports, user string) (account string) {
	t.Helper()
	b, o := s.BulkExports(), newExport()
	o.RequestedBy = user
	require.NoError(t, s.OpenExport(t.Context(), o))
	require.NoError(t, s.RecordEmailOutcome(t.Context(), o.Export, schema.EmailKey("confirm", user, 1), true))
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{Status: schema.Cancelled, Reason: schema.ReasonCancelled}, user, schema.Certificate{}))
	job := aJob(o.Account)
	job.RequestedBy = user
	require.NoError(t, b.OpenJob(t.Context(), job))
	require.NoError(t, s.RecordEmailOutcome(t.Context(), job.ID, schema.EmailKey("job_started", user, 1), true))
	_, err := b.EndJob(t.Context(), job.ID)
	require.NoError(t, err)
	e := anEvent(o.Account)
	require.NoError(t, b.OpenEvent(t.Context(), e))
	require.NoError(t, b.MarkEventFailed(t.Context(), e.ID))
	off, url, method := false, "https://hooks.example.com/"+o.Account, "POST"
	_, err = b.Configure(t.Context(), o.Account, schema.Calls, user, schema.BulkChange{Enabled: &off, URL: &url, Method: &method})
	require.NoError(t, err)
	exec(t, s.DB, `insert into satchel.erased_calls (account_sid, call_sid, day) values ($1, 'CA' || $1, '2026-01-01')`, o.Account)
	exec(t, s.DB, `insert into satchel.erasure_queue (account_sid, due_at) values ($1, now())`, o.Account)
	require.NoError(t, s.Audit(t.Context(), store.AuditEvent{Account: o.Account, Subject: "CA" + o.Account, Actor: user, Action: store.ActionErased}))
	require.NoError(t, b.Unsubscribe(t.Context(), user))
	return o.Account
}

func TestAnErasedPersonIsInNoTableAndTheAuditTrailStaysWhole(t *testing.T) {
	s := openAsOwner(t).AccountExports()
	user, other := schema.NewUserID(), schema.NewUserID()
	account := past(t, s, user)
	past(t, s, other)
	before, others, audits := mentions(t, s.DB, user), mentions(t, s.DB, other), count(t, s.DB, "audit")
	require.Positive(t, before)

	counted, err := s.ErasePerson(t.Context(), user, false)
	require.NoError(t, err)
	require.Equal(t, before, mentions(t, s.DB, user), "a dry run changes nothing")
	erased, err := s.ErasePerson(t.Context(), user, true)
	require.NoError(t, err)
	require.Equal(t, counted, erased)
	require.Zero(t, mentions(t, s.DB, user))
	require.Equal(t, others, mentions(t, s.DB, other))
	require.Equal(t, audits+1, count(t, s.DB, "audit"), "and says that someone was erased")
	var names int
	require.NoError(t, s.SQL().QueryRow(`select count(distinct actor) from satchel.audit where account_sid = $1 and actor like 'erased-%'`, account).Scan(&names))
	require.Equal(t, 1, names, "what one person did can still be seen as one person's")

	o := newExport()
	o.RequestedBy = other
	require.NoError(t, s.OpenExport(t.Context(), o))
	_, err = s.ErasePerson(t.Context(), other, true)
	require.Equal(t, schema.Conflict, schema.KindOf(err), "the export has not ended")
	require.Positive(t, mentions(t, s.DB, other))
}

func TestAnErasedAccountIsInNoTable(t *testing.T) {
	s := openAsOwner(t).AccountExports()
	user := schema.NewUserID()
	account, kept := past(t, s, user), past(t, s, schema.NewUserID())
	others, audits := mentions(t, s.DB, kept), count(t, s.DB, "audit")
	exec(t, s.DB, `insert into satchel.day_files (account_sid, resource_type, day, id, records, size, sha256, expires_at)
		values ($1, 'Calls', '2026-03-01', $2, 0, 0, '', now() + interval '1 day')`, account, schema.NewDayFileID())
	_, err := s.EraseAccount(t.Context(), account, true)
	require.ErrorContains(t, err, "1 day files")
	exec(t, s.DB, `delete from satchel.day_files`)
	_, err = s.EraseAccount(t.Context(), account, true)
	require.ErrorContains(t, err, "1 erasures of calls that are not settled", "the sweep would record them again")
	require.NoError(t, s.BulkExports().AdvanceErasureLog(t.Context(), schema.ErasureObject(time.Now().Add(time.Minute), "x")))

	counted, err := s.EraseAccount(t.Context(), account, false)
	require.NoError(t, err)
	require.Positive(t, mentions(t, s.DB, account), "a dry run changes nothing")
	erased, err := s.EraseAccount(t.Context(), account, true)
	require.NoError(t, err)
	require.Equal(t, counted, erased)
	require.Zero(t, mentions(t, s.DB, account))
	require.Equal(t, others, mentions(t, s.DB, kept))
	require.Equal(t, audits+1, count(t, s.DB, "audit"))
	require.Equal(t, 1, mentions(t, s.DB, user), "the person may be in other accounts: the unsubscription stays")
}

// openAsOwner opens a database as the role that the command needs: that of the programs
// may not change the audit trail.
func openAsOwner(t *testing.T) *store.DB {
	t.Helper()
	db, err := store.Open(testservices.Database(t), 4)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}
