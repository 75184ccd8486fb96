package main

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"satchel/activities/accountexport"
	"satchel/schema"
	"satchel/workflows"
	exportworkflows "satchel/workflows/accountexport"
	workflowclient "satchel/workflows/client"
)

// completedExport writes a completed export as if its file were stored.
func (r *fixture) completedExport() (export string) {
	r.t.Helper()
	export = schema.NewExportID()
	_, err := r.store.SQL().Exec(`insert into satchel.exports (id, account_sid, requested_by, status, requested_at, confirm_by, completed_at, expires_at, available_again_at, recipient)
		values ($1, $2, '', 'completed', now(), now(), now(), now() + interval '1 day', now() + interval '1 day', 'age1')`, export, r.account.AccountSID)
	require.NoError(r.t, err)
	_, err = r.store.SQL().Exec(`insert into satchel.export_keys (export_id, wrapped) values ($1, 'wrapped')`, export)
	require.NoError(r.t, err)
	return export
}

// keys counts the keys of exports and day files.
func (r *fixture) keys() (n int) {
	r.t.Helper()
	require.NoError(r.t, r.store.SQL().QueryRow(`select (select count(*) from satchel.export_keys) + (select count(*) from satchel.day_files where wrapped is not null)`).Scan(&n))
	return n
}

func TestKeysOfWhatIsOverAreDestroyedWhileSweepsStandInStorage(t *testing.T) {
	s := newStubFixture(t)
	r := newFixture(t)
	storage, _ := r.silence()
	export, file := r.completedExport(), r.storedDayFile(r.account.AccountSID)
	r.work(s.Client, 1) // which starts every sweep
	storage.await(t, 2)
	require.Equal(t, 2, r.keys(), "neither is over")

	_, err := r.store.SQL().Exec(`update satchel.exports set expires_at = now() where id = $1`, export)
	require.NoError(t, err)
	_, err = r.store.SQL().Exec(`update satchel.day_files set expires_at = now() where id = $1`, file.ID)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		for _, id := range []string{workflows.AccountExportSweepID, workflows.BulkExportSweepID} { // as the schedule does it, which skips a sweep while one is open
			trigger := client.ScheduleTriggerOptions{Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP}
			require.NoError(t, s.ScheduleClient().GetHandle(t.Context(), id).Trigger(t.Context(), trigger))
		}
		return r.keys() == 0
	}, 20*time.Second, 200*time.Millisecond)
	running, err := s.ScheduleClient().GetHandle(t.Context(), workflows.AccountExportStorageSweepID).Describe(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, running.Info.RunningWorkflows, "it stands in storage")
}

// openRun waits until a run is listed with this status.
func (r *fixture) openRun(c client.Client, export string, status schema.Status) (run accountexport.OpenRun) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		for page, err := range workflowclient.OpenRuns(r.t.Context(), c) {
			require.NoError(r.t, err)
			for _, run = range page {
				if run.Export == export && run.Status == status {
					return true
				}
			}
		}
		return false
	}, 20*time.Second, 50*time.Millisecond)
	return run
}

func TestOpenRunsAreListedWithWhatTheyPublished(t *testing.T) {
	s := newStubFixture(t)
	in, _ := s.request(schema.DefaultWindows())
	r := &fixture{t: t}
	run := r.openRun(s, in.ID, schema.Pending)
	require.Equal(t, in.Account, run.Account)
	require.WithinDuration(t, time.Now(), run.StartedAt, time.Minute)
	opened, err := workflowclient.HasOpened(t.Context(), s, run)
	require.NoError(t, err)
	require.False(t, opened, "no worker is up")

	defer s.start(ofBoth)()
	require.Eventually(t, func() bool {
		opened, err := workflowclient.HasOpened(t.Context(), s, run)
		return err == nil && opened
	}, 20*time.Second, 50*time.Millisecond)
	for range 2 {
		require.NoError(t, workflowclient.TerminateRun(t.Context(), s, run, "a test"))
	}
	open, err := workflowclient.IsOpen(t.Context(), s, workflows.AccountExportID(in.Account))
	require.NoError(t, err)
	require.False(t, open)
}

// restore makes the database forget an export, as the restore of a backup from before it.
func (r *fixture) restore(export string) {
	r.t.Helper()
	for _, table := range []string{"categories where export_id", "exports where id"} {
		_, err := r.store.SQL().Exec(`delete from satchel.`+table+` = $1`, export)
		require.NoError(r.t, err)
	}
}

func TestAfterARestoreToBeforeAnExportTheAccountCanRequestOne(t *testing.T) {
	s := newStubFixture(t)
	r := newFixture(t)
	r.work(s.Client, 1)
	in := r.request(s.Client, r.account)
	r.awaitStatus(in, schema.Pending)
	r.openRun(s, in.ID, schema.Pending)
	r.restore(in.ID)

	handle, err := s.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "sweep " + in.ID, TaskQueue: workflows.TaskQueue},
		exportworkflows.AccountExportSweep, exportworkflows.SweepInput{Grace: 0})
	require.NoError(t, err)
	require.NoError(t, handle.Get(context.WithoutCancel(t.Context()), nil))
	next := r.request(s.Client, r.account)
	r.awaitStatus(next, schema.Pending)
}
