package api_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"satchel/activities"
	"satchel/activities/accountexport"
	"satchel/schema"
	"satchel/server/api"
	"satchel/server/respond"
	"satchel/workflows"
	workflowclient "satchel/workflows/client"
)

func TestARequestedExportCanBeReadAtOnceWithoutAWorker(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)

	asked := fx.send(fx.owner, http.MethodPost, exports)
	require.Equal(t, http.StatusAccepted, asked.status, asked.body)

	shown := fx.send(fx.owner, http.MethodGet, asked.header.Get("Location"))
	require.Equal(t, http.StatusOK, shown.status)
	require.Equal(t, asked.body, shown.body)
	listed := fx.send(fx.admin, http.MethodGet, exports)
	require.JSONEq(t, `{"exports":[`+asked.body+`]}`, listed.body)

	v := decode[api.ExportView](t, asked.body)
	require.Equal(t, schema.Pending, v.Status)
	require.Equal(t, fx.account, v.AccountID)
	require.Len(t, v.Categories, len(schema.Categories))
}

func TestARequestedExportReadsTheSameOnceItsRowIsWritten(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	asked := fx.send(fx.owner, http.MethodPost, exports)
	id := decode[api.ExportView](t, asked.body).ID

	fx.startWorkers(fx.fakeActivities())
	eventually(t, "the row is written", func() bool {
		_, err := fx.store.Export(t.Context(), id)
		return err == nil
	})
	require.Equal(t, asked.body, fx.send(fx.owner, http.MethodGet, exports+"/"+id).body)
	require.JSONEq(t, `{"exports":[`+asked.body+`]}`, fx.send(fx.owner, http.MethodGet, exports).body)
}

func TestOfTwoConcurrentRequestsOneStartsAndTheOtherNamesIt(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	answers := make([]response, 2)
	var both sync.WaitGroup
	for i, as := range []credentials{fx.owner, fx.admin} {
		both.Go(func() { answers[i] = fx.send(as, http.MethodPost, exports) })
	}
	both.Wait()

	slices.SortFunc(answers, func(a, b response) int { return a.status - b.status })
	require.Equal(t, http.StatusAccepted, answers[0].status)
	p := requireProblem(t, answers[1], http.StatusConflict, "export_active")
	require.Equal(t, decode[api.ExportView](t, answers[0].body).ID, *p.ExportID)
	require.NotNil(t, p.AvailableAt, "when it lapses unconfirmed")
	require.Len(t, fx.list(), 1)
}

func TestTheSameIdempotencyKeyReturnsTheSameExportInAnyStatus(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	key := header("Idempotency-Key", "order 66!~")

	answers := make([]response, 8)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = fx.send(fx.owner, http.MethodPost, exports, key) })
	}
	all.Wait()
	id := decode[api.ExportView](t, answers[0].body).ID
	for _, a := range answers {
		require.Equal(t, http.StatusAccepted, a.status, a.body)
		require.Equal(t, exports+"/"+id, a.header.Get("Location"))
		require.Equal(t, id, decode[api.ExportView](t, a.body).ID)
	}

	fx.startWorkers(fx.fakeActivities())
	fx.confirm(id)
	fx.until(id, schema.Completed)
	completed := fx.request(fx.owner, key)
	require.Equal(t, id, completed.ID)
	require.Equal(t, schema.Completed, completed.Status)
	requireProblem(t, fx.send(fx.owner, http.MethodPost, exports), http.StatusConflict, "cooldown")
	requireProblem(t, fx.send(fx.admin, http.MethodPost, exports, key), http.StatusConflict, "cooldown") // their key, not the owner's
}

func TestAnIdempotencyKeyIsOfItsRequesterAlone(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	key := header("Idempotency-Key", "1")
	mine := fx.request(fx.owner, key)
	require.NotEqual(t, mine.ID, fx.request(fx.other, key).ID)
	requireProblem(t, fx.send(fx.program, http.MethodPost, exports, key), http.StatusConflict, "export_active")
}

func TestAnInvalidIdempotencyKeyStartsNothing(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	for _, bad := range []string{strings.Repeat("k", 256), "caf\xc3\xa9", "a\tb"} {
		requireProblem(t, fx.send(fx.owner, http.MethodPost, exports, header("Idempotency-Key", bad)), http.StatusBadRequest, "invalid_idempotency_key")
	}
	two := func(r *http.Request) { r.Header["Idempotency-Key"] = []string{"a", "b"} }
	requireProblem(t, fx.send(fx.owner, http.MethodPost, exports, two), http.StatusBadRequest, "invalid_idempotency_key")
	require.Empty(t, fx.list())
	fx.request(fx.owner, header("Idempotency-Key", strings.Repeat("k", 255)))
}

func TestAfterACompletedExportTheCooldownSaysUntilWhen(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	fx.startWorkers(fx.fakeActivities())
	id := fx.request(fx.owner).ID
	fx.confirm(id)
	done := fx.until(id, schema.Completed)

	p := requireProblem(t, fx.send(fx.admin, http.MethodPost, exports), http.StatusConflict, "cooldown")
	require.Equal(t, id, *p.ExportID)
	require.Equal(t, *done.AvailableAgainAt, p.AvailableAt.UTC().Format("2006-01-02T15:04:05.000Z"))

	require.Equal(t, http.StatusAccepted, fx.send(fx.owner, http.MethodDelete, exports+"/"+id).status)
	fx.until(id, schema.Expired)
	p = requireProblem(t, fx.send(fx.owner, http.MethodPost, exports), http.StatusConflict, "cooldown") // deleting does not shorten it
	require.Equal(t, id, *p.ExportID)
}

func TestTheCooldownIsKeptWhereTemporalHasForgottenTheRun(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	fx.startWorkers(fx.fakeActivities())
	id := fx.request(fx.owner).ID
	fx.confirm(id)
	fx.until(id, schema.Completed)
	require.NoError(t, fx.temporal.TerminateWorkflow(t.Context(), workflows.AccountExportID(fx.account), "", "lost"))

	requireProblem(t, fx.send(fx.owner, http.MethodPost, exports), http.StatusConflict, "cooldown")
}

func TestTheNextRequestIsFreeTheMomentTheWindowsAreOver(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal, func(_ *testing.T, d *api.Deps) {
		d.Windows = schema.Windows{Confirm: time.Hour, Download: time.Second, Cooldown: 1500 * time.Millisecond, Collect: time.Hour}
	})
	fx.startWorkers(fx.fakeActivities())
	id := fx.request(fx.owner).ID
	fx.confirm(id)
	again := fx.until(id, schema.Completed)
	free, err := time.Parse(time.RFC3339, *again.AvailableAgainAt)
	require.NoError(t, err)

	eventually(t, "the cooldown is over", func() bool {
		began := time.Now()
		a := fx.send(fx.owner, http.MethodPost, exports)
		if a.status == http.StatusConflict {
			require.True(t, began.Before(free), a.body)
		}
		return a.status == http.StatusAccepted
	})
	require.Equal(t, id, fx.list()[1].ID)
}

func TestAnEndedExportDoesNotPreventTheNext(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	fx.startWorkers(fx.fakeActivities())
	for range 3 {
		id := fx.request(fx.owner).ID
		require.Equal(t, http.StatusAccepted, fx.send(fx.owner, http.MethodPost, exports+"/"+id+"/cancel").status)
		fx.until(id, schema.Cancelled)
		// The run may still be closing: the next request must not fail for it.
	}
	require.Len(t, fx.list(), 3)
}

func TestARunThatDoesNotCloseIsUnavailable(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	id := fx.request(fx.owner).ID
	fx.openRow(id)
	require.NoError(t, fx.store.EndExport(t.Context(), id, schema.Ending{Status: schema.Cancelled, Reason: schema.ReasonCancelled}, "", schema.Certificate{}))

	a := fx.send(fx.owner, http.MethodPost, exports)
	requireProblem(t, a, http.StatusServiceUnavailable, "closing")
	require.Equal(t, "2", a.header.Get("Retry-After"))
}

func TestTheRunStartsWithTheRequesterAndTheCurrentWindows(t *testing.T) {
	t.Parallel()
	windows := schema.Windows{Confirm: time.Hour, Download: 2 * time.Hour, Cooldown: 3 * time.Hour, Collect: 4 * time.Hour}
	fx := newFixture(t, withTemporal, func(_ *testing.T, d *api.Deps) { d.Windows = windows })
	fakeActivities := fx.fakeActivities()
	fx.startWorkers(fakeActivities)
	v := fx.request(fx.admin)
	require.Equal(t, activities.SendEmailInput{About: v.ID, Account: fx.account, Kind: accountexport.RequestEmail, LinkVersion: 1}, <-fakeActivities.mails)
	e, err := fx.store.Export(t.Context(), v.ID)
	require.NoError(t, err)
	require.Equal(t, fx.admin.user, e.RequestedBy)
	require.Equal(t, windows.Confirm, e.ConfirmBy.Sub(e.RequestedAt))

	byProgram := fx.request(fx.other)
	run, open, err := workflowclient.FindOpen(t.Context(), fx.temporal, fx.other.account)
	require.NoError(t, err)
	require.True(t, open)
	require.Equal(t, byProgram.ID, run.Export)
}

func TestOnlyOwnersAndAdminsHaveAccess(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	id := fx.request(fx.program).ID
	for _, route := range fx.exportRoutes() {
		if route.Method == http.MethodHead { // as GET, without the body
			continue
		}
		path := strings.Replace(route.Path, ":id", id, 1)
		requireProblem(t, fx.send(fx.member, route.Method, path), http.StatusForbidden, "role")
		a := fx.send(anonymous, route.Method, path)
		requireProblem(t, a, http.StatusUnauthorized, "unauthenticated")
		require.NotEmpty(t, a.header.Get("WWW-Authenticate"))
	}
	require.Equal(t, schema.Pending, fx.show(id).Status)
}

func TestAnotherAccountsExportIsNotFound(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	written, unwritten := fx.request(fx.owner).ID, schema.NewExportID()
	fx.openRow(written)
	theirs := fx.request(fx.other).ID // not written yet
	for _, route := range fx.exportRoutes() {
		if !strings.Contains(route.Path, ":id") {
			continue
		}
		send := func(as credentials, id string) response {
			return fx.send(as, route.Method, strings.Replace(route.Path, ":id", id, 1))
		}
		unknown := send(fx.other, unwritten)
		require.Equal(t, http.StatusNotFound, unknown.status)
		for as, id := range map[credentials]string{fx.other: written, fx.owner: theirs} {
			a := send(as, id)
			require.Equal(t, unknown.body, a.body)
			require.Equal(t, unknown.status, a.status)
			a.header.Del("Date")
			a.header.Del("X-Request-Id")
			unknown.header.Del("Date")
			unknown.header.Del("X-Request-Id")
			require.Equal(t, unknown.header, a.header)
		}
		for _, odd := range []string{"not-an-id", "%00", "EX%27--", strings.ToUpper(written)} {
			require.Equal(t, unknown.body, send(fx.owner, odd).body)
		}
	}
	require.Equal(t, schema.Pending, fx.show(written).Status)
}

// exportRoutes returns every registered route of exports.
func (fx *fixture) exportRoutes() []*echo.Route {
	e := echo.New()
	fx.api.Register(respond.NewRouter(e))
	routes := slices.DeleteFunc(e.Routes(), func(r *echo.Route) bool { return !strings.HasPrefix(r.Path, exports) })
	require.Greater(fx.t, len(routes), 8)
	return routes
}

// list reads the owner's exports.
func (fx *fixture) list() []api.ExportView {
	fx.t.Helper()
	a := fx.send(fx.owner, http.MethodGet, exports)
	require.Equal(fx.t, http.StatusOK, a.status, a.body)
	return decode[map[string][]api.ExportView](fx.t, a.body)["exports"]
}

// openRow writes the row of an export of the owner's as a worker would.
func (fx *fixture) openRow(id string) {
	fx.t.Helper()
	now := time.Now()
	require.NoError(fx.t, fx.store.OpenExport(fx.t.Context(), schema.NewExport{
		Export: id, Account: fx.account, RequestedBy: fx.owner.user, RequestedAt: now, ConfirmBy: now.Add(24 * time.Hour),
	}))
}

func TestAListContinuesAfterItsLastPage(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	_, err := fx.rows.Exec(`insert into satchel.exports (id, account_sid, requested_by, status, requested_at, confirm_by)
		select 'EX' || md5(a || i::text), a, '', 'expired', date_trunc('day', now()) - i / 7 * interval '1 hour', now()
		from unnest($1::text[]) a, generate_series(1, 250) i`, pq.Array([]string{fx.account, fx.other.account}))
	require.NoError(t, err)
	type part struct {
		Exports []api.ExportView
		Next    string
	}
	var all []string
	for path, parts := exports, 1; ; parts++ {
		a := fx.send(fx.owner, http.MethodGet, path)
		require.Equal(t, http.StatusOK, a.status, a.body)
		p := decode[part](t, a.body)
		for _, e := range p.Exports {
			require.Equal(t, fx.account, e.AccountID)
			all = append(all, e.ID)
		}
		if p.Next == "" {
			require.Equal(t, 3, parts)
			break
		}
		path = exports + "?before=" + p.Next
	}
	var want []string
	require.NoError(t, fx.rows.Select(&want, `select id from satchel.exports where account_sid = $1 order by requested_at desc, id`, fx.account))
	require.Equal(t, want, all)

	theirs := fx.send(fx.other, http.MethodGet, exports+"?before="+all[0])
	require.JSONEq(t, `{"exports":[]}`, theirs.body, "another account's are nowhere in one's own list")
	for _, before := range []string{"x", "2026-01-01", "%27", "EX1"} {
		requireProblem(t, fx.send(fx.owner, http.MethodGet, exports+"?before="+before), http.StatusBadRequest, "invalid_before")
	}
}

func TestAnAccountThatRequestsTooManyExportsInAnHourMustWait(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal, func(_ *testing.T, d *api.Deps) { d.ExportsPerHour = 2 })
	ended := func(ago time.Duration) {
		id := schema.NewExportID()
		fx.openRow(id)
		require.NoError(t, fx.store.EndExport(t.Context(), id, schema.Ending{Status: schema.Cancelled, Reason: schema.ReasonCancelled}, "", schema.Certificate{}))
		fx.exec(`update satchel.exports set requested_at = now() - $2 * interval '1 second' where id = $1`, id, ago.Seconds())
	}
	ended(2 * time.Hour)
	ended(30 * time.Minute)
	key := header("Idempotency-Key", "the second")
	second := fx.request(fx.owner, key).ID
	requireProblem(t, fx.send(fx.admin, http.MethodPost, exports), http.StatusConflict, "export_active")
	fx.openRow(second)
	requireProblem(t, fx.send(fx.admin, http.MethodPost, exports), http.StatusConflict, "export_active")

	require.NoError(t, fx.temporal.TerminateWorkflow(t.Context(), workflows.AccountExportID(fx.account), "", "ended"))
	require.NoError(t, fx.store.EndExport(t.Context(), second, schema.Ending{Status: schema.Cancelled, Reason: schema.ReasonCancelled}, "", schema.Certificate{}))
	a := fx.send(fx.admin, http.MethodPost, exports)
	requireProblem(t, a, http.StatusTooManyRequests, schema.CodeTooManyExports)
	wait, err := strconv.Atoi(a.header.Get("Retry-After"))
	require.NoError(t, err)
	require.InDelta(t, 30*60, wait, 60)
	require.Equal(t, second, fx.request(fx.owner, key).ID, "the same request, sent again")
	fx.request(fx.other)
}

func TestTheDatabasesClockSaysUntilWhenARequestCanBeConfirmed(t *testing.T) {
	t.Parallel()
	for _, wrong := range []time.Duration{-time.Hour, time.Hour} {
		fx := newFixture(t, withTemporal, func(_ *testing.T, d *api.Deps) {
			d.Now = func() time.Time { return time.Now().Add(wrong) }
		})
		fx.startWorkers(fx.fakeActivities())
		id := fx.request(fx.owner).ID
		var e schema.Export
		eventually(t, "its row is written", func() bool {
			var err error
			e, err = fx.store.Export(t.Context(), id)
			return err == nil
		})
		now, err := fx.store.Now(t.Context())
		require.NoError(t, err)
		require.WithinDuration(t, now, e.RequestedAt, 10*time.Minute)
		require.WithinDuration(t, now.Add(schema.DefaultWindows().Confirm), e.ConfirmBy, 10*time.Minute)
	}
}
