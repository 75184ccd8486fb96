package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"satchel/dev/demo"
	"satchel/dev/stack"
	"satchel/schema"
)

// newAccount makes an account of its own for a test and signs its owner in.
func newAccount(t *testing.T, rows map[schema.Category]int64) (demo.Account, *person, string) {
	t.Helper()
	st := open(t)
	a, err := demo.NewAccount(t.Context(), st.Demo.DatabaseURL, demo.With{})
	require.NoError(t, err)
	if rows != nil {
		require.NoError(t, demo.Fill(t.Context(), st.Demo.DatabaseURL, a.AccountSID, rows, nil))
	}
	owner := a.At(st.Demo.BaseURL).As(schema.Owner)
	return a, signIn(t, owner), owner.Email
}

// oneOfEach holds that nobody was mailed twice about the same thing.
func oneOfEach(t *testing.T, p *person, email string, want int) {
	t.Helper()
	subjects := map[string]int{}
	for _, l := range p.letters(email) {
		subjects[l.Subject]++
	}
	for subject, n := range subjects {
		require.Equal(t, 1, n, subject)
	}
	require.Len(t, subjects, want)
}

func TestKillingTheWorkerCostsTimeAndNothingElse(t *testing.T) {
	a, p, email := newAccount(t, map[schema.Category]int64{
		"calls": 40_000, "contacts": 40_000, "charges": 60_000, "notifications": 60_000,
	})
	st := open(t)
	since := time.Now()
	export := p.confirmed(email)
	kills := 0
	for kills < 10 {
		pause(t, time.Duration(rand.Int64N(int64(1500*time.Millisecond))))
		if v := p.export(export.ID); v.Status == "completed" {
			break
		}
		require.NoError(t, st.Worker.Kill())
		kills++
		require.NoError(t, st.Worker.Start(t.Context()))
	}
	t.Logf("killed %d times in %s", kills, time.Since(since))
	require.Positive(t, kills)
	done := p.await(export.ID, "completed", 5*time.Minute)
	t.Logf("completed after %s", time.Since(since))
	_, document := p.do(http.MethodGet, *done.DownloadURL, nil)
	require.Equal(t, *done.SHA256, sum(document))
	requireRows(t, a.AccountSID, parse(t, document))
	t.Logf("compared after %s", time.Since(since))
	p.link(email, "/download/", export.RequestedAt)
	oneOfEach(t, p, email, 2)
	requireFreed(t, p, export.ID)
}

func TestRestartOfADependencyCostsTimeAndNothingElse(t *testing.T) {
	for _, c := range []struct {
		name    string
		restart func(*stack.Stack) error
	}{
		{"Postgres", func(st *stack.Stack) error { return st.Postgres.Restart(t.Context()) }},
		{"Temporal", func(st *stack.Stack) error { return st.Temporal.Restart(t.Context()) }},
		{"S3", func(st *stack.Stack) error { return st.S3.Restart(t.Context()) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, p, email := newAccount(t, map[schema.Category]int64{"calls": 40_000, "contacts": 1_000})
			export := p.confirmed(email)
			until(t, func() bool {
				s := p.export(export.ID).Status
				return s == "processing" || s == "completed"
			}, time.Minute)
			require.NoError(t, c.restart(open(t)))
			done := patiently(t, p, export.ID)
			var document []byte
			until(t, func() bool {
				var res answer
				res, document = p.do(http.MethodGet, *done.DownloadURL, nil)
				return res.StatusCode == http.StatusOK
			}, time.Minute)
			require.Equal(t, *done.SHA256, sum(document))
			requireRows(t, a.AccountSID, parse(t, document))
			requireFreed(t, p, export.ID)
		})
	}
}

// patiently awaits completion while the API itself may answer 503.
func patiently(t *testing.T, p *person, id string) view {
	t.Helper()
	until(t, func() bool {
		res, body := p.do(http.MethodGet, "/v1/account/exports/"+id, nil)
		require.NotEqual(t, http.StatusInternalServerError, res.StatusCode, "%s", body)
		return res.StatusCode == http.StatusOK && strings.Contains(string(body), `"completed"`)
	}, 3*time.Minute)
	return p.export(id)
}

// requireFreed deletes the archive, so that the next test has the machine to itself.
func requireFreed(t *testing.T, p *person, id string) {
	t.Helper()
	res, body := p.do(http.MethodDelete, "/v1/account/exports/"+id, nil)
	require.Equal(t, http.StatusAccepted, res.StatusCode, "%s", body)
	p.await(id, "expired", 30*time.Second)
	require.Empty(t, objects(t, id))
}

// temporal is the operator's way in.
func temporal(t *testing.T, st *stack.Stack) client.Client {
	t.Helper()
	c, err := client.DialContext(t.Context(), client.Options{
		HostPort: st.Demo.TemporalAddress, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func TestATerminatedRunIsSweptUp(t *testing.T) {
	t.Parallel()
	_, p, email := newAccount(t, map[schema.Category]int64{"contacts": 100})
	export := p.confirmed(email)
	p.await(export.ID, "completed", 30*time.Second)
	c := temporal(t, open(t))
	require.NoError(t, c.TerminateWorkflow(t.Context(), "account-export/"+export.AccountID, "", "a test"))
	gone := p.await(export.ID, "expired", downloadWindow+time.Minute)
	require.Equal(t, schema.WindowPassed, *gone.Reason)
	require.Empty(t, objects(t, export.ID))
	requireNothingLeft(t, export.ID)
}

func TestARunTerminatedHalfWayIsSettledAndTold(t *testing.T) {
	_, p, email := newAccount(t, nil)
	st := open(t)
	since := time.Now()
	require.NoError(t, st.Worker.Stop())
	t.Logf("stopped after %s", time.Since(since))
	export := p.request()
	require.Equal(t, "pending", p.export(export.ID).Status, "readable before any worker saw it")
	require.NoError(t, st.Worker.Start(context.WithoutCancel(t.Context())))
	p.link(email, "/confirm/", export.RequestedAt)
	require.NoError(t, temporal(t, st).TerminateWorkflow(t.Context(), "account-export/"+export.AccountID, "", "a test"))
	t.Logf("terminated after %s", time.Since(since))
	failed := func() bool { return p.export(export.ID).Status == "failed" }
	until(t, failed, time.Minute)
	until(t, func() bool { return len(p.letters(email)) == 2 }, time.Minute)
}

func TestAnUnconfirmedExportLapses(t *testing.T) {
	t.Parallel()
	_, p, email := newAccount(t, nil)
	export := p.request()
	confirm := p.link(email, "/confirm/", export.RequestedAt)
	lapsed := p.await(export.ID, "expired", confirmWindow+20*time.Second)
	require.Equal(t, schema.Unconfirmed, *lapsed.Reason)
	res, _ := p.do(http.MethodPost, confirm, nil)
	require.GreaterOrEqual(t, res.StatusCode, 400, fmt.Sprint("a lapsed link confirms nothing: ", res.StatusCode))
	next := p.request()
	var answer any
	p.json(http.MethodPost, "/v1/account/exports/"+next.ID+"/cancel", http.StatusAccepted, &answer)
	p.await(next.ID, "cancelled", 20*time.Second)
}
