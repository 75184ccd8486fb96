package accountexport_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/activities"
	"satchel/activities/accountexport"
	"satchel/dev/demo"
	"satchel/schema"
)

// reconcile compares the export's row with an open run of this status.
func (r *fixture) reconcile(run schema.Status, opened bool) (terminated bool) {
	r.t.Helper()
	var ended []string
	r.Runs = runs{open: true, opened: opened, terminated: &ended, list: []accountexport.OpenRun{
		{Account: r.account.AccountSID, Export: r.export, RunID: "the run", Status: run, StartedAt: time.Now().Add(-time.Hour)},
	}}
	var reconciled int
	require.NoError(r.t, r.run(r.ReconcileExports, accountexport.ReconcileExportsInput{Grace: time.Minute}, &reconciled))
	require.Equal(r.t, len(ended), reconciled)
	return len(ended) == 1
}

// reconciled are the details of the export's audit rows about it.
func (r *fixture) reconciled() (details []map[string]any) {
	r.t.Helper()
	rows, err := r.store.SQL().Query(`select details from satchel.audit where subject = $1 and action = 'reconciled' and actor = 'satchel'`, r.export)
	require.NoError(r.t, err)
	defer rows.Close() //nolint:errcheck // it was read to its end
	for rows.Next() {
		var text []byte
		require.NoError(r.t, rows.Scan(&text))
		var d map[string]any
		require.NoError(r.t, json.Unmarshal(text, &d))
		details = append(details, d)
	}
	require.NoError(r.t, rows.Err())
	return details
}

func TestARunThatTheRestoredDatabaseDoesNotKnowIsTerminated(t *testing.T) {
	for _, status := range []schema.Status{schema.Pending, schema.Processing, schema.Completed, schema.Expired} {
		r := newFixture(t, demo.With{}, nil)
		require.False(t, r.reconcile(status, false), "its row is about to be written")
		require.True(t, r.reconcile(status, true))
		require.Equal(t, []map[string]any{{"database": "", "run": string(status)}}, r.reconciled())
	}
}

func TestARunThatIsAheadOfTheRestoredDatabaseIsTerminatedAndItsExportEnds(t *testing.T) {
	for _, status := range []schema.Status{schema.Processing, schema.Completed, schema.Expired} {
		r := newFixture(t, demo.With{}, nil)
		r.open()
		require.True(t, r.reconcile(status, true))
		require.Equal(t, schema.Ending{Status: schema.Failed, Reason: schema.ReasonInterrupted}, r.ended())
		require.Equal(t, []map[string]any{{"database": "pending", "run": string(status)}}, r.reconciled())
	}
}

func TestAnExportThatWasDeletedAfterTheBackupCanNotBeDownloadedAndExpires(t *testing.T) {
	r := newFixture(t, demo.With{}, nil)
	r.confirm()
	r.collectAll()
	r.complete()
	require.True(t, r.reconcile(schema.Expired, true))
	_, err := r.store.Download(t.Context(), r.account.AccountSID, r.export)
	require.Equal(t, schema.Gone, schema.KindOf(err))
	r.Runs = runs{open: false}
	removals := r.findOverdue()
	require.Len(t, removals, 1)
	require.NoError(t, r.run(r.RemoveArchive, removals[0], nil))
	require.Equal(t, schema.Ending{Status: schema.Expired, Reason: schema.ReasonDeleted}, r.ended())
}

func TestRunsThatAgreeWithTheDatabaseAreLeft(t *testing.T) {
	r := newFixture(t, demo.With{}, nil)
	r.open()
	require.False(t, r.reconcile(schema.Pending, true))
	r.confirm()
	require.False(t, r.reconcile(schema.Pending, true))
	require.False(t, r.reconcile(schema.Processing, true), "the row says so a moment later")
	r.collectAll()
	r.complete()
	require.False(t, r.reconcile(schema.Processing, true))
	require.False(t, r.reconcile(schema.Completed, true))
	ending := schema.Ending{Status: schema.Expired, Reason: schema.ReasonDeleted}
	require.NoError(t, r.remove(ending))
	require.False(t, r.reconcile(schema.Expired, true), "its cooldown")
	require.False(t, r.reconcile(schema.Processing, true), "it may not have heard yet")
	require.Empty(t, r.reconciled())

	r.exec(`update satchel.removals set certified_at = now() - interval '1 hour'`)
	require.True(t, r.reconcile(schema.Processing, true), "as after Temporal was restored")
	require.Equal(t, ending, r.ended())
}

func TestYoungRunsAreLeft(t *testing.T) {
	r := newFixture(t, demo.With{}, nil)
	var ended []string
	r.Runs = runs{opened: true, terminated: &ended, list: []accountexport.OpenRun{{Account: r.account.AccountSID, Export: r.export, StartedAt: time.Now()}}}
	require.NoError(t, r.run(r.ReconcileExports, accountexport.ReconcileExportsInput{Grace: time.Minute}, nil))
	require.Empty(t, ended)
}

func (r *fixture) removeOrphans(grace time.Duration) (activities.RemoveOrphansResult, error) {
	var result activities.RemoveOrphansResult
	return result, r.run(r.RemoveOrphanedExports, activities.RemoveOrphansInput{Grace: grace}, &result)
}

func TestACompletedExportWhoseObjectsAreGoneExpires(t *testing.T) {
	r := newFixture(t, demo.With{}, nil)
	r.confirm()
	r.collectAll()
	r.complete()
	result, err := r.removeOrphans(time.Hour)
	require.NoError(t, err)
	require.Zero(t, result)

	_, err = r.vault.Remove(t.Context(), schema.ExportPrefix(r.export))
	require.NoError(t, err)
	_, err = r.removeOrphans(time.Hour)
	require.Error(t, err, "an empty bucket may be the wrong one")
	require.Equal(t, schema.Completed, r.ended().Status)

	for _, other := range []string{"EX" + "00000000000000000000000000000000", "EX" + "ffffffffffffffffffffffffffffffff"} { // before and after it
		r.put(other)
	}
	require.NoError(t, r.run(r.RemoveOrphanedExports, activities.RemoveOrphansInput{Grace: time.Hour}, &result))
	require.Equal(t, activities.RemoveOrphansResult{Missing: 1}, result)
	require.Equal(t, schema.Ending{Status: schema.Expired, Reason: schema.ReasonDeleted}, r.ended())
	require.Equal(t, []map[string]any{{"database": "completed", "objects": float64(0)}}, r.reconciled())
	_, err = r.store.WrappedKey(t.Context(), r.export)
	require.Equal(t, schema.Gone, schema.KindOf(err), "copies elsewhere are unreadable")
}

// put stores an object of an export.
func (r *fixture) put(export string) {
	r.t.Helper()
	recipient, _, err := r.vault.NewKey(r.t.Context(), r.account.AccountSID, export)
	require.NoError(r.t, err)
	require.NoError(r.t, r.vault.Put(r.t.Context(), schema.ExportPrefix(export)+"calls/1", recipient, []byte("x")))
}

func TestObjectsThatTheRestoredDatabaseDoesNotKnowAreRemovedWithAnAuditRow(t *testing.T) {
	r := newFixture(t, demo.With{}, nil)
	r.put(r.export)
	var result activities.RemoveOrphansResult
	require.NoError(t, r.run(r.RemoveOrphanedExports, activities.RemoveOrphansInput{Grace: -time.Hour}, &result))
	require.Equal(t, activities.RemoveOrphansResult{Removed: 1}, result)
	audited := r.reconciled()
	require.Len(t, audited, 1)
	require.EqualValues(t, 1, audited[0]["objects"])
}

func TestKeysOfExpiredExportsAreDestroyedWithoutStorage(t *testing.T) {
	r := newFixture(t, demo.With{}, nil)
	r.confirm()
	r.collectAll()
	r.complete()
	r.Vault = nil
	destroyed := func() (n int) {
		require.NoError(t, r.run(r.DestroyExpiredExportKeys, nil, &n))
		return n
	}
	require.Zero(t, destroyed(), "its window is open")
	r.exec(`update satchel.exports set expires_at = now() where id = $1`, r.export)
	require.Equal(t, 1, destroyed())
	_, err := r.store.WrappedKey(t.Context(), r.export)
	require.Equal(t, schema.Gone, schema.KindOf(err))
}

func TestAnAbandonedExportEndsWithoutStorage(t *testing.T) {
	r := newFixture(t, demo.With{}, nil)
	r.confirm()
	r.Vault = nil
	r.Runs = runs{open: true}
	end := func() (n int) {
		require.NoError(t, r.run(r.EndAbandonedExports, accountexport.EndAbandonedExportsInput{}, &n))
		return n
	}
	require.Zero(t, end(), "its run goes on")
	r.Runs = runs{open: false}
	require.Equal(t, 1, end())
	require.Equal(t, schema.Ending{Status: schema.Failed, Reason: schema.ReasonInterrupted}, r.ended())
	_, err := r.store.WrappedKey(t.Context(), r.export)
	require.Equal(t, schema.Gone, schema.KindOf(err))
}
