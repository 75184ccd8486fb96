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

func TestTheConfirmationMailCanBeHadAgainThreeTimesAnHour(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	hands := w.hands()
	w.work(hands)
	id := w.request(w.owner).ID
	again := exports + "/" + id + "/confirmation"
	require.Equal(t, 1, (<-hands.mails).LinkVersion)
	for generation := 2; generation <= 4; generation++ {
		a := w.send(w.admin, http.MethodPost, again)
		require.Equal(t, http.StatusAccepted, a.status, a.body)
		require.Equal(t, activities.SendEmailInput{About: id, Account: w.account, Kind: accountexport.RequestEmail, LinkVersion: generation}, <-hands.mails)
	}
	a := w.send(w.owner, http.MethodPost, again)
	refused(t, a, http.StatusTooManyRequests, "too_many_mails")
	wait, err := strconv.Atoi(a.header.Get("Retry-After"))
	require.NoError(t, err)
	require.InDelta(t, time.Hour.Seconds(), wait, 30)

	w.exec(`update satchel.audit set at = at - interval '1 hour' where action = 'mail_lost' and id = (select min(id) from satchel.audit where action = 'mail_lost')`)
	require.Equal(t, http.StatusAccepted, w.send(w.owner, http.MethodPost, again).status)
	require.Equal(t, 5, (<-hands.mails).LinkVersion)
	refused(t, w.send(w.owner, http.MethodPost, again), http.StatusTooManyRequests, "too_many_mails")

	var by []string
	require.NoError(t, w.rows.Select(&by, `select actor from satchel.audit where action = 'mail_lost' order by id`))
	require.Equal(t, []string{w.admin.user, w.admin.user, w.admin.user, w.owner.user}, by)
}

func TestManyWhoAskForTheMailAtOnceGetNoMoreThanThree(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	id := w.request(w.owner).ID // there is no worker, so it is not written yet
	var all sync.WaitGroup
	statuses := make(chan int, 12)
	for range cap(statuses) {
		all.Go(func() { statuses <- w.send(w.owner, http.MethodPost, exports+"/"+id+"/confirmation").status })
	}
	all.Wait()
	count := map[int]int{}
	for range cap(statuses) {
		count[<-statuses]++
	}
	require.Equal(t, map[int]int{http.StatusAccepted: 3, http.StatusTooManyRequests: 9}, count)
	require.Equal(t, 3, w.audited(id, store.MailLost))
}

func TestTheMailIsNotSentAgainOnceConfirmed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	w.work(w.hands())
	id := w.request(w.owner).ID
	w.confirm(id)
	w.until(id, schema.Completed)
	refused(t, w.send(w.owner, http.MethodPost, exports+"/"+id+"/confirmation"), http.StatusConflict, "not_pending")
	require.Zero(t, w.audited(id, store.MailLost))
}

func TestCancellingStopsAnExportAndDoingItAgainChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	id := w.request(w.owner).ID
	cancel := exports + "/" + id + "/cancel"
	require.Equal(t, http.StatusAccepted, w.send(w.admin, http.MethodPost, cancel).status) // heard by a run without a worker
	w.work(w.hands())
	ended := w.until(id, schema.Cancelled)
	require.Equal(t, "cancelled", *ended.Reason)
	again := w.send(w.owner, http.MethodPost, cancel)
	require.Equal(t, http.StatusAccepted, again.status)
	require.Equal(t, ended, decode[api.ExportView](t, again.body))
	refused(t, w.send(w.owner, http.MethodDelete, exports+"/"+id), http.StatusConflict, "not_completed")
	refused(t, w.send(w.owner, http.MethodPost, exports+"/"+id+"/confirmation"), http.StatusConflict, "not_pending")
}

func TestACompletedExportIsDeletedAndNotCancelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	w.work(w.hands())
	id := w.request(w.owner).ID
	refused(t, w.send(w.owner, http.MethodDelete, exports+"/"+id), http.StatusConflict, "not_completed")
	w.confirm(id)
	done := w.until(id, schema.Completed)
	require.Equal(t, "https://export.example.com/v1/account/exports/"+id+"/archive", *done.DownloadURL)
	p := refused(t, w.send(w.owner, http.MethodPost, exports+"/"+id+"/cancel"), http.StatusConflict, "already_completed")
	require.Contains(t, p.Detail, "Delete it")

	require.Equal(t, http.StatusAccepted, w.send(w.owner, http.MethodDelete, exports+"/"+id).status)
	ended := w.until(id, schema.Expired)
	require.Equal(t, "deleted", *ended.Reason)
	require.Nil(t, ended.DownloadURL)
	require.Equal(t, done.AvailableAgainAt, ended.AvailableAgainAt)
	again := w.send(w.owner, http.MethodDelete, exports+"/"+id)
	require.Equal(t, http.StatusAccepted, again.status)
	require.Equal(t, ended, decode[api.ExportView](t, again.body))
	refused(t, w.send(w.owner, http.MethodPost, exports+"/"+id+"/cancel"), http.StatusConflict, "already_ended")

	var by string
	require.NoError(t, w.rows.Get(&by, `select actor from satchel.audit where action = 'removed'`))
	require.Equal(t, w.owner.user, by)
}

func TestAnExportWhoseRunWasLostSaysSoAndTakesNoOrders(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	w.work(w.hands())
	id := w.request(w.owner).ID
	eventually(t, "the row is written", func() bool { _, err := w.store.Export(t.Context(), id); return err == nil })
	require.NoError(t, w.temporal.TerminateWorkflow(t.Context(), workflows.AccountExportID(w.account), "", "lost"))
	for path, method := range map[string]string{"/cancel": http.MethodPost, "/confirmation": http.MethodPost} {
		p := refused(t, w.send(w.owner, method, exports+"/"+id+path), http.StatusConflict, "interrupted")
		require.Contains(t, p.Detail, "ask for a new one")
	}
	require.Zero(t, w.audited(id, store.MailLost))

	next := w.request(w.owner).ID // as it was told
	w.until(id, schema.Failed)
	w.confirm(next)
	w.until(next, schema.Completed)
	require.NoError(t, w.temporal.TerminateWorkflow(t.Context(), workflows.AccountExportID(w.account), "", "lost"))
	p := refused(t, w.send(w.owner, http.MethodDelete, exports+"/"+next), http.StatusConflict, "interrupted")
	require.Contains(t, p.Detail, "removed when its time is over")
}

func TestAnOrderForALostExportIsNotHeardByTheNextOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	lost := w.request(w.owner).ID
	w.openRow(lost)
	require.NoError(t, w.temporal.TerminateWorkflow(t.Context(), workflows.AccountExportID(w.account), "", "lost"))
	next := w.request(w.owner).ID
	refused(t, w.send(w.owner, http.MethodPost, exports+"/"+lost+"/cancel"), http.StatusConflict, "interrupted")
	w.work(w.hands())
	w.confirm(next)
	w.until(next, schema.Completed)
}

func TestAConfirmationAfterTheWindowIsRefusedEvenIfNobodyEndedTheExport(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	id := w.request(w.owner).ID
	w.openRow(id)
	w.exec(`update satchel.exports set confirm_by = clock_timestamp() - interval '1 second'`)
	_, err := w.api.Confirm(t.Context(), w.principal(w.owner), id)
	require.Equal(t, schema.Gone, schema.KindOf(err))
}

func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	_, err := w.rows.ExecContext(w.t.Context(), query, args...)
	require.NoError(w.t, err)
}

// audited counts the audit rows of an action on an export.
func (w *world) audited(export string, action store.Action) (n int) {
	w.t.Helper()
	require.NoError(w.t, w.rows.Get(&n, `select count(*) from satchel.audit where subject = $1 and action = $2`, export, action))
	return n
}
