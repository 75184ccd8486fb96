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
	"satchel/workflows/accountexport"
	workflowclient "satchel/workflows/client"
)

// newAccount makes an account of its own for a test and signs its owner in.
func newAccount(t *testing.T, rows map[schema.Category]int64) (demo.Account, *person, string) {
	t.Helper()
	st := open(t)
	a, err := demo.NewAccount(t.Context(), st.Demo.DatabaseURL, demo.With{Admin: true})
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

// hold keeps whoever needs a table waiting until it is let go of.
func hold(t *testing.T, table string) (letGo func()) {
	t.Helper()
	tx, err := database(t).Begin()
	require.NoError(t, err)
	letGo = func() { _ = tx.Rollback() } // nothing was done, and the server may have been restarted
	t.Cleanup(letGo)
	_, err = tx.Exec("lock table " + table + " in access exclusive mode")
	require.NoError(t, err)
	return letGo
}

// waitedFor waits until somebody waits for a table that is held.
func waitedFor(t *testing.T, table string) {
	t.Helper()
	db := database(t)
	until(t, func() bool {
		var n int
		require.NoError(t, db.QueryRow(`select count(*) from pg_locks where relation = $1::regclass and not granted`, table).Scan(&n))
		return n > 0
	}, time.Minute)
}

// everybodys is a table that no export is completed without.
const everybodys = "platform.flows"

// underWay waits until an export is being made and has come to its first records.
func underWay(t *testing.T, p *person, id string) {
	t.Helper()
	until(t, func() bool {
		v := p.export(id)
		for _, c := range v.Categories {
			if c.Records > 0 {
				return v.Status == "processing"
			}
		}
		return false
	}, time.Minute)
}

// victim is an export in the making of which the worker is killed.
type victim struct {
	*person
	account demo.Account
	email   string
	export  view
}

// newVictim asks for an export, as the server does, and confirms it from the
// mail. Its file stays until all are looked at, however long that takes.
func newVictim(t *testing.T, rows map[schema.Category]int64) victim {
	t.Helper()
	account, p, email := newAccount(t, rows)
	in := accountexport.AccountExportInput{
		ID: schema.NewExportID(), Account: account.AccountSID, RequestedBy: account.As(schema.Owner).ID,
		RequestedAt: time.Now().UTC().Truncate(time.Microsecond), Windows: schema.DefaultWindows(),
	}
	_, err := workflowclient.StartAccountExport(t.Context(), temporal(t, p.st), in)
	require.NoError(t, err)
	res, body := p.do(http.MethodPost, p.link(email, "/confirm/", in.RequestedAt), nil)
	require.Less(t, res.StatusCode, 400, "%s", body)
	return victim{p, account, email, p.export(in.ID)}
}

// settle holds the document against the rows and counts the mails.
func (v victim) settle() {
	t := v.t
	t.Helper()
	done := v.await(v.export.ID, "completed", 5*time.Minute)
	_, document := v.do(http.MethodGet, *done.DownloadURL, nil)
	require.Equal(t, *done.SHA256, sum(document))
	requireRows(t, v.account.AccountSID, parse(t, document))
	v.link(v.email, "/download/", v.export.RequestedAt)
	oneOfEach(t, v.person, v.email, 2)
	oneOfEach(t, v.person, v.account.As(schema.Admin).Email, 1)
	requireFreed(t, v.person, v.export.ID)
}

// Every kill finds an export under way. An attempt that died is missed only
// after ten seconds, so each kill brings a small export with it: none falls
// into a pause of the large one, and that is met by several.
func TestKillingTheWorkerCostsTimeAndNothingElse(t *testing.T) {
	const kills = 10
	st := open(t)
	var victims []victim
	since := time.Now()
	for kill := range kills {
		rows := map[schema.Category]int64{"contacts": 2_000}
		if kill == 0 {
			rows = map[schema.Category]int64{"calls": 40_000, "contacts": 40_000, "charges": 60_000, "notifications": 60_000}
		}
		letGo := hold(t, everybodys)
		v := newVictim(t, rows)
		victims = append(victims, v)
		underWay(t, v.person, v.export.ID)
		pause(t, time.Duration(rand.Int64N(int64(time.Second))))
		require.NoError(t, st.Worker.Kill())
		require.Equal(t, "processing", v.person.export(v.export.ID).Status, "killed in the middle")
		letGo()
		require.NoError(t, st.Worker.Start(t.Context()))
	}
	t.Logf("killed %d times in %s", kills, time.Since(since))
	for _, v := range victims {
		v.settle()
	}
	t.Logf("settled after %s", time.Since(since))
}

func TestKillingTheWorkerInTheMiddleOfAMailAndOfARemovalCostsTimeAndNothingElse(t *testing.T) {
	st := open(t)
	_, deleter, email := newAccount(t, map[schema.Category]int64{"contacts": 100})
	deleted := deleter.confirmed(email)
	deleter.await(deleted.ID, "completed", 30*time.Second)
	deleter.link(email, "/download/", deleted.RequestedAt)
	_, reader, address := newAccount(t, nil)
	letFile := hold(t, everybodys)
	mailed := reader.confirmed(address)

	letMail := hold(t, "satchel.emails")
	letFile()
	reader.await(mailed.ID, "completed", 30*time.Second)
	waitedFor(t, "satchel.emails")
	letRemoval := hold(t, "satchel.pieces")
	deleter.json(http.MethodDelete, "/v1/account/exports/"+deleted.ID, http.StatusAccepted, nil)
	waitedFor(t, "satchel.pieces")
	require.Empty(t, objects(t, deleted.ID))
	require.NoError(t, st.Worker.Kill())
	letMail()
	letRemoval()
	require.NoError(t, st.Worker.Start(t.Context()))

	reader.link(address, "/download/", mailed.RequestedAt)
	oneOfEach(t, reader, address, 2)
	gone := deleter.await(deleted.ID, "expired", 30*time.Second)
	require.Equal(t, schema.Deleted, *gone.Reason)
	var certificates int
	require.NoError(t, database(t).QueryRow(`select count(*) from satchel.audit where subject = $1 and action = 'removed'`, deleted.ID).Scan(&certificates))
	require.Equal(t, 1, certificates)
	requireFreed(t, reader, mailed.ID)
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
			letGo := hold(t, everybodys)
			export := p.confirmed(email)
			underWay(t, p, export.ID)
			require.NoError(t, c.restart(open(t)))
			letGo() // unless that has
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
