package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/dev/demo"
	"satchel/dev/fixture"
	"satchel/schema"
)

// newOwner creates an account with rows and returns a client of its owner, with the
// owner's address.
func newOwner(t *testing.T, rows map[schema.Category]int64) (fixture.Account, *httpClient, string) {
	t.Helper()
	a := shared.Stack(t).NewAccount(t, demo.With{Admin: true})
	a.Fill(t, rows)
	return a, signedIn(t, a.Owner), a.Owner.Email
}

// requireNoDuplicates fails the test if two mails to an address have the same
// subject, or if there are not want mails.
func requireNoDuplicates(t *testing.T, p *httpClient, email string, want int) {
	t.Helper()
	subjects := map[string]int{}
	for _, m := range p.mails(email) {
		subjects[m.Subject]++
	}
	for subject, n := range subjects {
		require.Equal(t, 1, n, subject)
	}
	require.Len(t, subjects, want)
}

// lockTable locks a table, so that queries on it wait until it is unlocked.
func lockTable(t *testing.T, table string) (unlock func()) {
	t.Helper()
	tx, err := shared.Stack(t).DB.Begin()
	require.NoError(t, err)
	unlock = func() { _ = tx.Rollback() } // Postgres may have been restarted
	t.Cleanup(unlock)
	_, err = tx.Exec("lock table " + table + " in access exclusive mode")
	require.NoError(t, err)
	return unlock
}

// awaitLockWaiter waits until a query waits for a locked table.
func awaitLockWaiter(t *testing.T, table string) {
	t.Helper()
	db := shared.Stack(t).DB
	fixture.Until(t, func() bool {
		var n int
		require.NoError(t, db.QueryRow(`select count(*) from pg_locks where relation = $1::regclass and not granted`, table).Scan(&n))
		return n > 0
	}, time.Minute)
}

// requiredTable is a table that every export reads.
const requiredTable = "platform.flows"

// awaitProcessing waits until an export is processing and has read records.
func awaitProcessing(t *testing.T, p *httpClient, id string) {
	t.Helper()
	fixture.Until(t, func() bool {
		v := p.export(id)
		for _, c := range v.Categories {
			if c.Records > 0 {
				return v.Status == "processing"
			}
		}
		return false
	}, time.Minute)
}

// killedExport is an export during which the worker is killed.
type killedExport struct {
	*httpClient
	account fixture.Account
	email   string
	export  exportView
}

// startConfirmed starts an export, as the server does, with the default windows, so
// that its file stays until the test has read it. It confirms it from the mail.
func startConfirmed(t *testing.T, rows map[schema.Category]int64) killedExport {
	t.Helper()
	account, p, email := newOwner(t, rows)
	in := account.StartExport(t, schema.Windows{})
	res, body := p.do(http.MethodPost, p.link(email, "/confirm/", in.RequestedAt), nil)
	require.Less(t, res.StatusCode, 400, "%s", body)
	return killedExport{p, account, email, p.export(in.ID)}
}

// requireIntact compares the document with the rows and counts the mails.
func (v killedExport) requireIntact() {
	t := v.t
	t.Helper()
	done := v.awaitStatus(v.export.ID, "completed", 5*time.Minute)
	_, document := v.do(http.MethodGet, *done.DownloadURL, nil)
	require.Equal(t, *done.SHA256, sum(document))
	requireRows(t, v.account.AccountSID, parseArchive(t, document))
	v.link(v.email, "/download/", v.export.RequestedAt)
	requireNoDuplicates(t, v.httpClient, v.email, 2)
	requireNoDuplicates(t, v.httpClient, v.account.Admin.Email, 1)
	requireDeleted(t, v.httpClient, v.export.ID)
}

// Every kill interrupts an export. The attempts of a killed worker time out only
// after ten seconds, so each kill has a small export of its own; several kills also
// interrupt the large one.
func TestExportsAreCompleteAfterKillsOfTheWorker(t *testing.T) {
	const kills = 10
	st := shared.Stack(t)
	var killed []killedExport
	since := time.Now()
	for kill := range kills {
		rows := map[schema.Category]int64{"contacts": 2_000}
		if kill == 0 {
			rows = map[schema.Category]int64{"calls": 40_000, "contacts": 40_000, "charges": 60_000, "notifications": 60_000}
		}
		unlock := lockTable(t, requiredTable)
		v := startConfirmed(t, rows)
		killed = append(killed, v)
		awaitProcessing(t, v.httpClient, v.export.ID)
		fixture.Pause(t, time.Duration(rand.Int64N(int64(time.Second))))
		require.NoError(t, st.Worker.Kill())
		require.Equal(t, "processing", v.httpClient.export(v.export.ID).Status, "killed while processing")
		unlock()
		require.NoError(t, st.Worker.Start(t.Context()))
	}
	t.Logf("killed %d times in %s", kills, time.Since(since))
	for _, v := range killed {
		v.requireIntact()
	}
	t.Logf("all exports are completed after %s", time.Since(since))
}

func TestAMailAndARemovalAreDoneOnceAfterAKillOfTheWorker(t *testing.T) {
	st := shared.Stack(t)
	_, deleter, email := newOwner(t, map[schema.Category]int64{"contacts": 100})
	deleted := deleter.confirmedExport(email)
	deleter.awaitStatus(deleted.ID, "completed", 30*time.Second)
	deleter.link(email, "/download/", deleted.RequestedAt)
	_, reader, address := newOwner(t, nil)
	unlockFlows := lockTable(t, requiredTable)
	mailed := reader.confirmedExport(address)

	unlockMail := lockTable(t, "satchel.emails")
	unlockFlows()
	reader.awaitStatus(mailed.ID, "completed", 30*time.Second)
	awaitLockWaiter(t, "satchel.emails")
	unlockPieces := lockTable(t, "satchel.pieces")
	deleter.json(http.MethodDelete, "/v1/account/exports/"+deleted.ID, http.StatusAccepted, nil)
	awaitLockWaiter(t, "satchel.pieces")
	require.Empty(t, objects(t, deleted.ID))
	require.NoError(t, st.Worker.Kill())
	unlockMail()
	unlockPieces()
	require.NoError(t, st.Worker.Start(t.Context()))

	reader.link(address, "/download/", mailed.RequestedAt)
	requireNoDuplicates(t, reader, address, 2)
	gone := deleter.awaitStatus(deleted.ID, "expired", 30*time.Second)
	require.Equal(t, schema.ReasonDeleted, *gone.Reason)
	var certificates int
	require.NoError(t, shared.Stack(t).DB.QueryRow(`select count(*) from satchel.audit where subject = $1 and action = 'removed'`, deleted.ID).Scan(&certificates))
	require.Equal(t, 1, certificates)
	requireDeleted(t, reader, mailed.ID)
}

func TestExportsAreCompleteAfterARestartOfADependency(t *testing.T) {
	for _, c := range []struct {
		name    string
		restart func(*fixture.Stack) error
	}{
		{"Postgres", func(st *fixture.Stack) error { return st.Postgres.Restart(t.Context()) }},
		{"Temporal", func(st *fixture.Stack) error { return st.Temporal.Restart(t.Context()) }},
		{"S3", func(st *fixture.Stack) error { return st.S3.Restart(t.Context()) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, p, email := newOwner(t, map[schema.Category]int64{"calls": 40_000, "contacts": 1_000})
			unlock := lockTable(t, requiredTable)
			export := p.confirmedExport(email)
			awaitProcessing(t, p, export.ID)
			require.NoError(t, c.restart(shared.Stack(t)))
			unlock() // a restart of Postgres has unlocked it already
			done := awaitCompleted(t, p, export.ID)
			var document []byte
			fixture.Until(t, func() bool {
				var res response
				res, document = p.do(http.MethodGet, *done.DownloadURL, nil)
				return res.StatusCode == http.StatusOK
			}, time.Minute)
			require.Equal(t, *done.SHA256, sum(document))
			requireRows(t, a.AccountSID, parseArchive(t, document))
			requireDeleted(t, p, export.ID)
		})
	}
}

// awaitCompleted waits for completion while the API may answer 503.
func awaitCompleted(t *testing.T, p *httpClient, id string) exportView {
	t.Helper()
	fixture.Until(t, func() bool {
		res, body := p.do(http.MethodGet, "/v1/account/exports/"+id, nil)
		require.NotEqual(t, http.StatusInternalServerError, res.StatusCode, "%s", body)
		return res.StatusCode == http.StatusOK && strings.Contains(string(body), `"completed"`)
	}, 3*time.Minute)
	return p.export(id)
}

// requireDeleted deletes the archive, so that its removal does not overlap with
// the next test.
func requireDeleted(t *testing.T, p *httpClient, id string) {
	t.Helper()
	res, body := p.do(http.MethodDelete, "/v1/account/exports/"+id, nil)
	require.Equal(t, http.StatusAccepted, res.StatusCode, "%s", body)
	p.awaitStatus(id, "expired", 30*time.Second)
	require.Empty(t, objects(t, id))
}

func TestTheSweepRemovesTheExportOfATerminatedRun(t *testing.T) {
	t.Parallel()
	_, p, email := newOwner(t, map[schema.Category]int64{"contacts": 100})
	export := p.confirmedExport(email)
	p.awaitStatus(export.ID, "completed", 30*time.Second)
	c := shared.Stack(t).TemporalClient
	require.NoError(t, c.TerminateWorkflow(t.Context(), "account-export/"+export.AccountID, "", "a test"))
	gone := p.awaitStatus(export.ID, "expired", downloadWindow+time.Minute)
	require.Equal(t, schema.ReasonWindowPassed, *gone.Reason)
	require.Empty(t, objects(t, export.ID))
	requireNothingLeft(t, export.ID)
}

func TestATerminatedPendingRunFailsItsExportAndNotifies(t *testing.T) {
	_, p, email := newOwner(t, nil)
	st := shared.Stack(t)
	since := time.Now()
	require.NoError(t, st.Worker.Stop())
	t.Logf("stopped after %s", time.Since(since))
	export := p.requestExport()
	require.Equal(t, "pending", p.export(export.ID).Status, "readable before a worker has processed it")
	require.NoError(t, st.Worker.Start(context.WithoutCancel(t.Context())))
	p.link(email, "/confirm/", export.RequestedAt)
	require.NoError(t, st.TemporalClient.TerminateWorkflow(t.Context(), "account-export/"+export.AccountID, "", "a test"))
	t.Logf("terminated after %s", time.Since(since))
	failed := func() bool { return p.export(export.ID).Status == "failed" }
	fixture.Until(t, failed, confirmWindow+time.Minute) // until then it could have been confirmed
	fixture.Until(t, func() bool { return len(p.mails(email)) == 2 }, time.Minute)
}

func TestAnUnconfirmedExportLapses(t *testing.T) {
	t.Parallel()
	_, p, email := newOwner(t, nil)
	export := p.requestExport()
	confirm := p.link(email, "/confirm/", export.RequestedAt)
	lapsed := p.awaitStatus(export.ID, "expired", confirmWindow+20*time.Second)
	require.Equal(t, schema.ReasonUnconfirmed, *lapsed.Reason)
	res, _ := p.do(http.MethodPost, confirm, nil)
	require.GreaterOrEqual(t, res.StatusCode, 400, fmt.Sprint("a lapsed link confirms nothing: ", res.StatusCode))
	next := p.requestExport()
	var response any
	p.json(http.MethodPost, "/v1/account/exports/"+next.ID+"/cancel", http.StatusAccepted, &response)
	p.awaitStatus(next.ID, "cancelled", 20*time.Second)
}
