package accountexport_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/activities"
	"satchel/activities/accountexport"
	"satchel/dev/demo"
	"satchel/schema"
	"satchel/schema/store"
)

// runs says the same of every run.
type runs struct {
	open       bool
	list       []accountexport.OpenRun
	opened     bool
	terminated *[]string
}

func (r runs) IsOpen(context.Context, string, string) (bool, error) { return r.open, nil }

func (r runs) OpenRuns(context.Context) iter.Seq2[[]accountexport.OpenRun, error] {
	return func(yield func([]accountexport.OpenRun, error) bool) { yield(r.list, nil) }
}

func (r runs) HasOpened(context.Context, accountexport.OpenRun) (bool, error) { return r.opened, nil }

func (r runs) Terminate(_ context.Context, run accountexport.OpenRun, _ string) error {
	*r.terminated = append(*r.terminated, run.RunID)
	return nil
}

func (r *fixture) findOverdue() []accountexport.RemoveArchiveInput {
	r.t.Helper()
	var lost accountexport.FindOverdueExportsResult
	require.NoError(r.t, r.run(r.FindOverdueExports, accountexport.FindOverdueExportsInput{}, &lost))
	return lost.Removals
}

func (r *fixture) remove(ending schema.Ending) error {
	return r.run(r.RemoveArchive, accountexport.RemoveArchiveInput{Export: r.export, Account: r.account.AccountSID, Ending: ending, By: activities.Satchel}, nil)
}

func TestTheSweepLeavesAnExportToItsRun(t *testing.T) {
	r := newFixture(t, demo.With{}, nil)
	r.open()
	r.Runs = runs{open: false}
	require.Empty(t, r.findOverdue(), "one that can still be confirmed is not even looked for in Temporal")
	r.exec(`update satchel.exports set confirm_by = now() - interval '1 second' where id = $1`, r.export)
	r.Runs = runs{open: true}
	require.Empty(t, r.findOverdue())
	r.Runs = runs{open: false}
	require.Equal(t, []accountexport.RemoveArchiveInput{{Export: r.export, Account: r.account.AccountSID, By: activities.Satchel,
		Ending: schema.Ending{Status: schema.Failed, Reason: schema.ReasonInterrupted}}}, r.findOverdue())
}

// A run can be open and yet not able to go on.
func TestAnExpiredArchiveIsRemovedWhateverItsRunDoes(t *testing.T) {
	r := newFixture(t, demo.With{}, nil)
	r.Runs = runs{open: true}
	r.confirm()
	r.collectAll()
	r.complete()
	require.Empty(t, r.findOverdue(), "its window is open")
	r.exec(`update satchel.exports set expires_at = now() - interval '1 minute' where id = $1`, r.export)
	removals := r.findOverdue()
	require.Len(t, removals, 1)
	require.Equal(t, schema.Ending{Status: schema.Expired, Reason: schema.ReasonWindowPassed}, removals[0].Ending)
	require.NoError(t, r.run(r.RemoveArchive, removals[0], nil))
	require.Empty(t, r.findOverdue())
}

func TestAnExportThatEndedKeepsItsEndingInTheSweep(t *testing.T) {
	r := newFixture(t, demo.With{}, nil)
	r.open()
	stopped := schema.Ending{Status: schema.Cancelled, Reason: schema.ReasonCancelled}
	require.NoError(t, r.remove(stopped))
	r.exec(`insert into satchel.export_keys (export_id, wrapped) values ($1, 'w')`, r.export)
	removals := r.findOverdue()
	require.Len(t, removals, 1)
	require.Equal(t, stopped, removals[0].Ending, "it did not fail")
	require.NoError(t, r.run(r.RemoveArchive, removals[0], nil))
	require.Empty(t, r.findOverdue())
}

func TestOrphansAreRemovedAndOpenExportsAreNot(t *testing.T) {
	r := newFixture(t, demo.With{Records: true}, nil)
	r.confirm()
	r.collectAll()
	orphan := schema.NewExportID()
	recipient, _, err := r.vault.NewKey(t.Context(), r.account.AccountSID, orphan)
	require.NoError(t, err)
	require.NoError(t, r.vault.Put(t.Context(), schema.ExportPrefix(orphan)+"calls/1", recipient, []byte("x")))
	var removed activities.RemoveOrphansResult
	require.NoError(t, r.run(r.RemoveOrphanedExports, activities.RemoveOrphansInput{Grace: time.Hour}, &removed))
	require.Zero(t, removed.Removed, "it may be in the making")
	require.NoError(t, r.run(r.RemoveOrphanedExports, activities.RemoveOrphansInput{Grace: -time.Hour}, &removed))
	require.Equal(t, 1, removed.Removed)
	r.complete()
	r.document()
}

// vaultWithUnremovableExport is a vault in which one export cannot be removed.
type vaultWithUnremovableExport struct {
	accountexport.Vault
	export string
}

func (v vaultWithUnremovableExport) Folders(context.Context, string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, id := range []string{v.export, "notes", schema.NewExportID()} { // of which one is not ours
			if !yield(id, nil) {
				return
			}
		}
	}
}

func (v vaultWithUnremovableExport) Remove(ctx context.Context, prefix string) (schema.Certificate, error) {
	if prefix == schema.ExportPrefix(v.export) {
		return schema.Certificate{}, errors.New("under legal hold")
	}
	return v.Vault.Remove(ctx, prefix)
}

func TestAnOrphanThatCannotBeRemovedDoesNotStopTheOthers(t *testing.T) {
	r := newFixture(t, demo.With{}, nil)
	r.Vault = vaultWithUnremovableExport{r.Vault, schema.NewExportID()}
	var removed activities.RemoveOrphansResult
	require.NoError(t, r.run(r.RemoveOrphanedExports, activities.RemoveOrphansInput{Grace: time.Minute}, &removed))
	require.Equal(t, activities.RemoveOrphansResult{Removed: 1, Failed: 1}, removed)
}

// The answer to the first attempt can be lost, and S3 be away for the second.
func TestACompletedExportStaysCompletedWithoutItsArchive(t *testing.T) {
	r := newFixture(t, demo.With{}, nil)
	r.confirm()
	r.collectAll()
	archive := r.complete()
	_, err := r.vault.Remove(t.Context(), schema.ExportPrefix(r.export))
	require.NoError(t, err)
	in := accountexport.CompleteExportInput{Export: r.export, Account: r.account.AccountSID, Archive: archive, Windows: schema.DefaultWindows()}
	var again accountexport.CompleteExportResult
	require.NoError(t, r.run(r.CompleteExport, in, &again))
	e, err := r.store.Export(t.Context(), r.export)
	require.NoError(t, err)
	require.True(t, again.CompletedAt.Equal(*e.CompletedAt))

	require.NoError(t, r.remove(schema.Ending{Status: schema.Cancelled, Reason: schema.ReasonCancelled}))
	require.True(t, nonRetryable(t, r.run(r.CompleteExport, in, nil)), "but not once it was stopped")
}

// failingRemoval is a vault whose removals fail, before or after they removed.
type failingRemoval struct {
	accountexport.Vault
	after bool
}

func (v failingRemoval) Remove(ctx context.Context, prefix string) (removed schema.Certificate, err error) {
	if v.after {
		removed, err = v.Vault.Remove(ctx, prefix)
	}
	return removed, errors.Join(err, errors.New("no answer"))
}

// certificate is the only one there is.
func (r *fixture) certificate() (actor string, removed schema.Certificate) {
	r.t.Helper()
	var details []byte
	require.NoError(r.t, r.store.SQL().QueryRow(`select min(actor), min(details::text) from satchel.audit
		where subject = $1 and action = 'removed' having count(*) = 1`, r.export).Scan(&actor, &details))
	require.NoError(r.t, json.Unmarshal(details, &removed))
	return actor, removed
}

func (r *fixture) ended() schema.Ending {
	r.t.Helper()
	e, err := r.store.Export(r.t.Context(), r.export)
	require.NoError(r.t, err)
	return schema.Ending{Status: e.Status, Reason: e.Reason, Category: e.FailedCategory}
}

func TestTheCertificateCountsWhatEveryAttemptRemoved(t *testing.T) {
	r := newFixture(t, demo.With{Records: true}, nil)
	r.confirm()
	r.collectAll()
	var stored int
	for _, err := range r.vault.Objects(t.Context(), schema.ExportPrefix(r.export)) {
		require.NoError(t, err)
		stored++
	}
	require.Positive(t, stored)
	stopped := schema.Ending{Status: schema.Cancelled, Reason: schema.ReasonCancelled}
	healthy := r.Vault
	r.Vault = failingRemoval{healthy, true}
	require.Error(t, r.remove(stopped))
	r.Vault = healthy
	require.NoError(t, r.remove(stopped))
	_, removed := r.certificate()
	require.Equal(t, schema.Certificate{Objects: stored}, removed)
}

func TestAnExportThatStoredNothingEndsWhileStorageIsAway(t *testing.T) {
	r := newFixture(t, demo.With{}, nil)
	r.open()
	r.Vault = failingRemoval{r.Vault, false}
	lapsed := schema.Ending{Status: schema.Expired, Reason: schema.ReasonUnconfirmed}
	require.NoError(t, r.remove(lapsed))
	require.Equal(t, lapsed, r.ended())
	_, removed := r.certificate()
	require.Zero(t, removed)
}

func TestAnExportWithoutAFileHasEndedWhileStorageIsAway(t *testing.T) {
	r := newFixture(t, demo.With{Records: true}, nil)
	r.confirm()
	r.collectAll()
	healthy := r.Vault
	r.Vault = failingRemoval{healthy, false}
	failed := schema.Ending{Status: schema.Failed, Reason: schema.ReasonFailed("calls"), Category: "calls"}
	require.Error(t, r.remove(failed))
	require.Equal(t, failed, r.ended())
	_, err := r.store.WrappedKey(t.Context(), r.export)
	require.Equal(t, schema.Gone, schema.KindOf(err), "what is still there is unreadable")

	r.Runs = runs{open: true}
	require.Empty(t, r.findOverdue(), "its run goes on")
	r.Runs = runs{open: false}
	removals := r.findOverdue()
	require.Len(t, removals, 1)
	require.Equal(t, failed, removals[0].Ending)
	r.Vault = healthy
	require.NoError(t, r.run(r.RemoveArchive, removals[0], nil))
	_, removed := r.certificate()
	require.Positive(t, removed.Objects)
	require.Empty(t, r.findOverdue())
}

func TestAnArchiveThatWasDeletedIsNotReportedAsExpiredByTheSweep(t *testing.T) {
	r := newFixture(t, demo.With{}, nil)
	r.confirm()
	r.collectAll()
	r.complete()
	healthy := r.Vault
	r.Vault = failingRemoval{healthy, false}
	deleted := schema.Ending{Status: schema.Expired, Reason: schema.ReasonDeleted}
	owner := r.account.As(schema.Owner).ID
	require.Error(t, r.run(r.RemoveArchive, accountexport.RemoveArchiveInput{Export: r.export, Account: r.account.AccountSID, Ending: deleted, By: owner}, nil))
	require.Equal(t, schema.Completed, r.ended().Status, "the file is not proven gone")
	r.exec(`update satchel.exports set expires_at = now() - interval '1 minute' where id = $1`, r.export)
	r.Vault = healthy
	removals := r.findOverdue()
	require.Len(t, removals, 1)
	require.NoError(t, r.run(r.RemoveArchive, removals[0], nil))
	require.Equal(t, deleted, r.ended())
	actor, _ := r.certificate()
	require.Equal(t, owner, actor)
}

func TestRemovalLeavesNoRowButTheExportsOwnAndItsAuditTrail(t *testing.T) {
	r := newFixture(t, demo.With{}, nil)
	r.confirm()
	r.collectAll()
	r.complete()
	r.exec(`update satchel.exports set expires_at = now() where id = $1`, r.export)
	require.NoError(t, r.remove(schema.Ending{Status: schema.Expired, Reason: schema.ReasonWindowPassed}))
	for _, table := range []string{"export_keys", "pieces", "segments"} {
		var left int
		require.NoError(t, r.store.SQL().QueryRow(`select count(*) from satchel.`+table).Scan(&left))
		require.Zero(t, left, table)
	}
	trails, err := r.store.AuditTrails(t.Context(), r.account.AccountSID, []string{r.export})
	require.NoError(t, err)
	trail := trails[r.export]
	require.Equal(t, store.ActionRemoved, trail[len(trail)-1].Action)
}
