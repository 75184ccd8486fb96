package api_test

import (
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/activities"
	"satchel/activities/accountexport"
	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/api"
	"satchel/workflows"
)

func TestTheConfirmationMailIsResentThreeTimesAnHour(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	fakeActivities := fx.fakeActivities()
	fx.startWorkers(fakeActivities)
	id := fx.request(fx.owner).ID
	again := exports + "/" + id + "/confirmation"
	require.Equal(t, 1, (<-fakeActivities.mails).LinkVersion)
	for version := 2; version <= 4; version++ {
		a := fx.send(fx.admin, http.MethodPost, again)
		require.Equal(t, http.StatusAccepted, a.status, a.body)
		require.Equal(t, activities.SendEmailInput{About: id, Account: fx.account, Kind: accountexport.RequestEmail, LinkVersion: version}, <-fakeActivities.mails)
	}
	a := fx.send(fx.owner, http.MethodPost, again)
	requireProblem(t, a, http.StatusTooManyRequests, "too_many_mails")
	wait, err := strconv.Atoi(a.header.Get("Retry-After"))
	require.NoError(t, err)
	require.InDelta(t, time.Hour.Seconds(), wait, 30)

	fx.exec(`update satchel.audit set at = at - interval '1 hour' where action = 'mail_lost' and id = (select min(id) from satchel.audit where action = 'mail_lost')`)
	require.Equal(t, http.StatusAccepted, fx.send(fx.owner, http.MethodPost, again).status)
	require.Equal(t, 5, (<-fakeActivities.mails).LinkVersion)
	requireProblem(t, fx.send(fx.owner, http.MethodPost, again), http.StatusTooManyRequests, "too_many_mails")

	var by []string
	require.NoError(t, fx.rows.Select(&by, `select actor from satchel.audit where action = 'mail_lost' order by id`))
	require.Equal(t, []string{fx.admin.user, fx.admin.user, fx.admin.user, fx.owner.user}, by)
}

func TestConcurrentResendsSendNoMoreThanThreeMails(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	id := fx.request(fx.owner).ID // there is no worker, so it is not written yet
	var all sync.WaitGroup
	statuses := make(chan int, 12)
	for range cap(statuses) {
		all.Go(func() { statuses <- fx.send(fx.owner, http.MethodPost, exports+"/"+id+"/confirmation").status })
	}
	all.Wait()
	count := map[int]int{}
	for range cap(statuses) {
		count[<-statuses]++
	}
	require.Equal(t, map[int]int{http.StatusAccepted: 3, http.StatusTooManyRequests: 9}, count)
	require.Equal(t, 3, fx.audited(id, store.ActionResendRequested))
}

func TestTheMailIsNotSentAgainOnceConfirmed(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	fx.startWorkers(fx.fakeActivities())
	id := fx.request(fx.owner).ID
	fx.confirm(id)
	fx.until(id, schema.Completed)
	requireProblem(t, fx.send(fx.owner, http.MethodPost, exports+"/"+id+"/confirmation"), http.StatusConflict, "not_pending")
	require.Zero(t, fx.audited(id, store.ActionResendRequested))
}

func TestCancellingStopsAnExportAndDoingItAgainChangesNothing(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	id := fx.request(fx.owner).ID
	cancel := exports + "/" + id + "/cancel"
	require.Equal(t, http.StatusAccepted, fx.send(fx.admin, http.MethodPost, cancel).status) // the run accepts signals without a worker
	fx.startWorkers(fx.fakeActivities())
	ended := fx.until(id, schema.Cancelled)
	require.Equal(t, "cancelled", *ended.Reason)
	again := fx.send(fx.owner, http.MethodPost, cancel)
	require.Equal(t, http.StatusAccepted, again.status)
	require.Equal(t, ended, decode[api.ExportView](t, again.body))
	requireProblem(t, fx.send(fx.owner, http.MethodDelete, exports+"/"+id), http.StatusConflict, "not_completed")
	requireProblem(t, fx.send(fx.owner, http.MethodPost, exports+"/"+id+"/confirmation"), http.StatusConflict, "not_pending")
}

func TestACompletedExportIsDeletedAndNotCancelled(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	fx.startWorkers(fx.fakeActivities())
	id := fx.request(fx.owner).ID
	requireProblem(t, fx.send(fx.owner, http.MethodDelete, exports+"/"+id), http.StatusConflict, "not_completed")
	fx.confirm(id)
	done := fx.until(id, schema.Completed)
	require.Equal(t, "https://export.example.com/v1/account/exports/"+id+"/archive", *done.DownloadURL)
	p := requireProblem(t, fx.send(fx.owner, http.MethodPost, exports+"/"+id+"/cancel"), http.StatusConflict, "already_completed")
	require.Contains(t, p.Detail, "Delete it")

	require.Equal(t, http.StatusAccepted, fx.send(fx.owner, http.MethodDelete, exports+"/"+id).status)
	ended := fx.until(id, schema.Expired)
	require.Equal(t, "deleted", *ended.Reason)
	require.Nil(t, ended.DownloadURL)
	require.Equal(t, done.AvailableAgainAt, ended.AvailableAgainAt)
	again := fx.send(fx.owner, http.MethodDelete, exports+"/"+id)
	require.Equal(t, http.StatusAccepted, again.status)
	require.Equal(t, ended, decode[api.ExportView](t, again.body))
	requireProblem(t, fx.send(fx.owner, http.MethodPost, exports+"/"+id+"/cancel"), http.StatusConflict, "already_ended")

	var by string
	require.NoError(t, fx.rows.Get(&by, `select actor from satchel.audit where action = 'removed'`))
	require.Equal(t, fx.owner.user, by)
}

func TestAnExportWhoseRunWasLostRejectsCommands(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	fx.startWorkers(fx.fakeActivities())
	id := fx.request(fx.owner).ID
	eventually(t, "the row is written", func() bool { _, err := fx.store.Export(t.Context(), id); return err == nil })
	require.NoError(t, fx.temporal.TerminateWorkflow(t.Context(), workflows.AccountExportID(fx.account), "", "lost"))
	for path, method := range map[string]string{"/cancel": http.MethodPost, "/confirmation": http.MethodPost} {
		p := requireProblem(t, fx.send(fx.owner, method, exports+"/"+id+path), http.StatusConflict, "interrupted")
		require.Contains(t, p.Detail, "request a new one")
	}
	require.Zero(t, fx.audited(id, store.ActionResendRequested))

	next := fx.request(fx.owner).ID // as the error says
	fx.until(id, schema.Failed)
	fx.confirm(next)
	fx.until(next, schema.Completed)
	require.NoError(t, fx.temporal.TerminateWorkflow(t.Context(), workflows.AccountExportID(fx.account), "", "lost"))
	p := requireProblem(t, fx.send(fx.owner, http.MethodDelete, exports+"/"+next), http.StatusConflict, "interrupted")
	require.Contains(t, p.Detail, "deleted when the download period is over")
}

func TestACommandForALostExportDoesNotReachTheNextOne(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	lost := fx.request(fx.owner).ID
	fx.openRow(lost)
	require.NoError(t, fx.temporal.TerminateWorkflow(t.Context(), workflows.AccountExportID(fx.account), "", "lost"))
	next := fx.request(fx.owner).ID
	requireProblem(t, fx.send(fx.owner, http.MethodPost, exports+"/"+lost+"/cancel"), http.StatusConflict, "interrupted")
	fx.startWorkers(fx.fakeActivities())
	fx.confirm(next)
	fx.until(next, schema.Completed)
}

func TestAConfirmationAfterTheWindowIsRejectedEvenIfTheExportHasNotEnded(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	id := fx.request(fx.owner).ID
	fx.openRow(id)
	fx.exec(`update satchel.exports set confirm_by = clock_timestamp() - interval '1 second'`)
	_, err := fx.api.Confirm(t.Context(), fx.principal(fx.owner), id)
	require.Equal(t, schema.Gone, schema.KindOf(err))
}

func (fx *fixture) exec(query string, args ...any) {
	fx.t.Helper()
	_, err := fx.rows.ExecContext(fx.t.Context(), query, args...)
	require.NoError(fx.t, err)
}

// audited returns the number of audit rows of an action on an export.
func (fx *fixture) audited(export string, action store.Action) (n int) {
	fx.t.Helper()
	require.NoError(fx.t, fx.rows.Get(&n, `select count(*) from satchel.audit where subject = $1 and action = $2`, export, action))
	return n
}
