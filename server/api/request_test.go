package api_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"satchel/activities"
	"satchel/activities/accountexport"
	"satchel/schema"
	"satchel/server/api"
	"satchel/workflows"
	workflowclient "satchel/workflows/client"
)

func TestWhatWasAskedForCanBeReadAtOnceWithoutAWorker(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)

	asked := w.send(w.owner, http.MethodPost, exports)
	require.Equal(t, http.StatusAccepted, asked.status, asked.body)

	shown := w.send(w.owner, http.MethodGet, asked.header.Get("Location"))
	require.Equal(t, http.StatusOK, shown.status)
	require.Equal(t, asked.body, shown.body)
	listed := w.send(w.admin, http.MethodGet, exports)
	require.JSONEq(t, `{"exports":[`+asked.body+`]}`, listed.body)

	v := decode[api.ExportView](t, asked.body)
	require.Equal(t, schema.Pending, v.Status)
	require.Equal(t, w.account, v.AccountID)
	require.Len(t, v.Categories, len(schema.Categories))
}

func TestWhatWasAskedForReadsTheSameOnceAWorkerHasWrittenIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	asked := w.send(w.owner, http.MethodPost, exports)
	id := decode[api.ExportView](t, asked.body).ID

	w.work(w.hands())
	eventually(t, "the row is written", func() bool {
		_, err := w.store.Export(t.Context(), id)
		return err == nil
	})
	require.Equal(t, asked.body, w.send(w.owner, http.MethodGet, exports+"/"+id).body)
	require.JSONEq(t, `{"exports":[`+asked.body+`]}`, w.send(w.owner, http.MethodGet, exports).body)
}

func TestOfTwoRequestsAtOnceOneIsTakenAndTheOtherHearsWhich(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	answers := make([]answer, 2)
	var both sync.WaitGroup
	for i, as := range []caller{w.owner, w.admin} {
		both.Go(func() { answers[i] = w.send(as, http.MethodPost, exports) })
	}
	both.Wait()

	slices.SortFunc(answers, func(a, b answer) int { return a.status - b.status })
	require.Equal(t, http.StatusAccepted, answers[0].status)
	p := refused(t, answers[1], http.StatusConflict, "export_active")
	require.Equal(t, decode[api.ExportView](t, answers[0].body).ID, *p.ExportID)
	require.NotNil(t, p.AvailableAt, "when it lapses unconfirmed")
	require.Len(t, w.list(), 1)
}

func TestTheSameIdempotencyKeyMeansTheSameExportWhateverBecameOfIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	key := header("Idempotency-Key", "order 66!~")

	answers := make([]answer, 8)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = w.send(w.owner, http.MethodPost, exports, key) })
	}
	all.Wait()
	id := decode[api.ExportView](t, answers[0].body).ID
	for _, a := range answers {
		require.Equal(t, http.StatusAccepted, a.status, a.body)
		require.Equal(t, exports+"/"+id, a.header.Get("Location"))
		require.Equal(t, id, decode[api.ExportView](t, a.body).ID)
	}

	w.work(w.hands())
	w.confirm(id)
	w.until(id, schema.Completed)
	completed := w.request(w.owner, key)
	require.Equal(t, id, completed.ID)
	require.Equal(t, schema.Completed, completed.Status)
	refused(t, w.send(w.owner, http.MethodPost, exports), http.StatusConflict, "cooldown")
	refused(t, w.send(w.admin, http.MethodPost, exports, key), http.StatusConflict, "cooldown") // their key, not the owner's
}

func TestAnIdempotencyKeyIsOfItsRequesterAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	key := header("Idempotency-Key", "1")
	mine := w.request(w.owner, key)
	require.NotEqual(t, mine.ID, w.request(w.other, key).ID)
	refused(t, w.send(w.program, http.MethodPost, exports, key), http.StatusConflict, "export_active")
}

func TestABadIdempotencyKeyIsRefusedAndNothingStarts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	for _, bad := range []string{strings.Repeat("k", 256), "caf\xc3\xa9", "a\tb"} {
		refused(t, w.send(w.owner, http.MethodPost, exports, header("Idempotency-Key", bad)), http.StatusBadRequest, "invalid_idempotency_key")
	}
	two := func(r *http.Request) { r.Header["Idempotency-Key"] = []string{"a", "b"} }
	refused(t, w.send(w.owner, http.MethodPost, exports, two), http.StatusBadRequest, "invalid_idempotency_key")
	require.Empty(t, w.list())
	w.request(w.owner, header("Idempotency-Key", strings.Repeat("k", 255)))
}

func TestAfterACompletedExportTheCooldownSaysUntilWhen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	w.work(w.hands())
	id := w.request(w.owner).ID
	w.confirm(id)
	done := w.until(id, schema.Completed)

	p := refused(t, w.send(w.admin, http.MethodPost, exports), http.StatusConflict, "cooldown")
	require.Equal(t, id, *p.ExportID)
	require.Equal(t, *done.AvailableAgainAt, p.AvailableAt.UTC().Format("2006-01-02T15:04:05.000Z"))

	require.Equal(t, http.StatusAccepted, w.send(w.owner, http.MethodDelete, exports+"/"+id).status)
	w.until(id, schema.Expired)
	p = refused(t, w.send(w.owner, http.MethodPost, exports), http.StatusConflict, "cooldown") // deleting does not shorten it
	require.Equal(t, id, *p.ExportID)
}

func TestTheCooldownIsKeptWhereTemporalHasForgottenTheRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	w.work(w.hands())
	id := w.request(w.owner).ID
	w.confirm(id)
	w.until(id, schema.Completed)
	require.NoError(t, w.temporal.TerminateWorkflow(t.Context(), workflows.AccountExportID(w.account), "", "lost"))

	refused(t, w.send(w.owner, http.MethodPost, exports), http.StatusConflict, "cooldown")
}

func TestTheNextRequestIsFreeTheMomentTheWindowsAreOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal, func(_ *testing.T, d *api.Deps) {
		d.Windows = schema.Windows{Confirm: time.Hour, Download: time.Second, Cooldown: 1500 * time.Millisecond, Collect: time.Hour}
	})
	w.work(w.hands())
	id := w.request(w.owner).ID
	w.confirm(id)
	again := w.until(id, schema.Completed)
	free, err := time.Parse(time.RFC3339, *again.AvailableAgainAt)
	require.NoError(t, err)

	eventually(t, "the cooldown is over", func() bool {
		began := time.Now()
		a := w.send(w.owner, http.MethodPost, exports)
		if a.status == http.StatusConflict {
			require.True(t, began.Before(free), a.body)
		}
		return a.status == http.StatusAccepted
	})
	require.Equal(t, id, w.list()[1].ID)
}

func TestAnEndedExportIsInNobodysWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	w.work(w.hands())
	for range 3 {
		id := w.request(w.owner).ID
		require.Equal(t, http.StatusAccepted, w.send(w.owner, http.MethodPost, exports+"/"+id+"/cancel").status)
		w.until(id, schema.Cancelled)
		// The run may still be closing: the next request must not hear of it.
	}
	require.Len(t, w.list(), 3)
}

func TestARunThatNobodyClosesIsSaidSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	id := w.request(w.owner).ID
	w.openRow(id)
	require.NoError(t, w.store.EndExport(t.Context(), id, schema.Ending{Status: schema.Cancelled, Reason: schema.CancelledReason}, "", schema.Certificate{}))

	a := w.send(w.owner, http.MethodPost, exports)
	refused(t, a, http.StatusServiceUnavailable, "closing")
	require.Equal(t, "2", a.header.Get("Retry-After"))
}

func TestTheRunBeginsWithWhoAskedAndTheWindowsOfToday(t *testing.T) {
	t.Parallel()
	windows := schema.Windows{Confirm: time.Hour, Download: 2 * time.Hour, Cooldown: 3 * time.Hour, Collect: 4 * time.Hour}
	w := newWorld(t, withTemporal, func(_ *testing.T, d *api.Deps) { d.Windows = windows })
	hands := w.hands()
	w.work(hands)
	v := w.request(w.admin)
	require.Equal(t, activities.SendEmailInput{About: v.ID, Account: w.account, Kind: accountexport.RequestEmail, LinkVersion: 1}, <-hands.mails)
	e, err := w.store.Export(t.Context(), v.ID)
	require.NoError(t, err)
	require.Equal(t, w.admin.user, e.RequestedBy)
	require.Equal(t, windows.Confirm, e.ConfirmBy.Sub(e.RequestedAt))

	byProgram := w.request(w.other)
	run, open, err := workflowclient.FindOpen(t.Context(), w.temporal, w.other.account)
	require.NoError(t, err)
	require.True(t, open)
	require.Equal(t, byProgram.ID, run.Export)
}

func TestOnlyOwnersAndAdminsGetIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	id := w.request(w.program).ID
	for _, route := range []struct{ method, path string }{
		{"POST", exports}, {"GET", exports}, {"GET", exports + "/" + id}, {"GET", exports + "/" + id + "/events"},
		{"POST", exports + "/" + id + "/confirmation"}, {"POST", exports + "/" + id + "/cancel"}, {"DELETE", exports + "/" + id},
		{"GET", exports + "/" + id + "/archive"},
	} {
		refused(t, w.send(w.member, route.method, route.path), http.StatusForbidden, "role")
		a := w.send(caller{}, route.method, route.path)
		refused(t, a, http.StatusUnauthorized, "unauthenticated")
		require.NotEmpty(t, a.header.Get("WWW-Authenticate"))
	}
	require.Equal(t, schema.Pending, w.show(id).Status)
}

func TestAnotherAccountsExportAnswersAsIfThereWereNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	written, unwritten := w.request(w.owner).ID, schema.NewExportID()
	w.openRow(written)
	theirs := w.request(w.other).ID // not written yet
	for _, route := range []struct{ method, path string }{
		{"GET", ""}, {"GET", "/events"}, {"POST", "/confirmation"}, {"POST", "/cancel"}, {"DELETE", ""}, {"GET", "/archive"}, {"HEAD", "/archive"},
	} {
		unknown := w.send(w.other, route.method, exports+"/"+unwritten+route.path)
		require.Equal(t, http.StatusNotFound, unknown.status)
		for as, id := range map[caller]string{w.other: written, w.owner: theirs} {
			a := w.send(as, route.method, exports+"/"+id+route.path)
			require.Equal(t, unknown.body, a.body)
			require.Equal(t, unknown.status, a.status)
			a.header.Del("Date")
			a.header.Del("X-Request-Id")
			unknown.header.Del("Date")
			unknown.header.Del("X-Request-Id")
			require.Equal(t, unknown.header, a.header)
		}
		for _, odd := range []string{"not-an-id", "%00", "EX%27--", strings.ToUpper(written)} {
			require.Equal(t, unknown.body, w.send(w.owner, route.method, exports+"/"+odd+route.path).body)
		}
	}
	require.Equal(t, schema.Pending, w.show(written).Status)
}

// list reads the owner's exports.
func (w *world) list() []api.ExportView {
	w.t.Helper()
	a := w.send(w.owner, http.MethodGet, exports)
	require.Equal(w.t, http.StatusOK, a.status, a.body)
	return decode[map[string][]api.ExportView](w.t, a.body)["exports"]
}

// openRow writes the row of an export of the owner's as a worker would.
func (w *world) openRow(id string) {
	w.t.Helper()
	now := time.Now()
	require.NoError(w.t, w.store.OpenExport(w.t.Context(), schema.Opening{
		Export: id, Account: w.account, RequestedBy: w.owner.user, RequestedAt: now, ConfirmBy: now.Add(24 * time.Hour),
	}))
}

func TestAListGoesOnWhereItsLastPartEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	_, err := w.rows.Exec(`insert into satchel.exports (id, account_sid, requested_by, status, requested_at, confirm_by)
		select 'EX' || md5(a || i::text), a, '', 'expired', date_trunc('day', now()) - i / 7 * interval '1 hour', now()
		from unnest($1::text[]) a, generate_series(1, 250) i`, pq.Array([]string{w.account, w.other.account}))
	require.NoError(t, err)
	type part struct {
		Exports []api.ExportView
		Next    string
	}
	var all []string
	for path, parts := exports, 1; ; parts++ {
		a := w.send(w.owner, http.MethodGet, path)
		require.Equal(t, http.StatusOK, a.status, a.body)
		p := decode[part](t, a.body)
		for _, e := range p.Exports {
			require.Equal(t, w.account, e.AccountID)
			all = append(all, e.ID)
		}
		if p.Next == "" {
			require.Equal(t, 3, parts)
			break
		}
		path = exports + "?before=" + p.Next
	}
	var want []string
	require.NoError(t, w.rows.Select(&want, `select id from satchel.exports where account_sid = $1 order by requested_at desc, id`, w.account))
	require.Equal(t, want, all)

	theirs := w.send(w.other, http.MethodGet, exports+"?before="+all[0])
	require.JSONEq(t, `{"exports":[]}`, theirs.body, "another account's are nowhere in one's own list")
	for _, before := range []string{"x", "2026-01-01", "%27", "EX1"} {
		refused(t, w.send(w.owner, http.MethodGet, exports+"?before="+before), http.StatusBadRequest, "invalid_before")
	}
}
