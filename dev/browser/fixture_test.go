package browser

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"satchel/dev/demo"
	"satchel/dev/fixture"
	"satchel/dev/stack"
	"satchel/schema"
	"satchel/workflows/accountexport"
	"satchel/workflows/client"
)

var screenshots = flag.String("screenshots", "", "folder to write a screenshot of every state to")

// shared is the stack of all tests of the package. Its windows are the defaults;
// tests that cannot wait for one start an export with shorter ones. Tests run one
// after the other: some pause the worker.
var shared = fixture.Shared{Start: func() (*fixture.Stack, error) {
	return fixture.Start(stack.Options{
		UI:  *screenshots == "", // screenshots show the pages of customers, without links to Temporal
		Env: []string{"SWEEP_EVERY=5s", "SWEEP_GRACE=2s", "RATE_LIMIT=500"},
	})
}}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	for _, stop := range []func() error{stopChromium, func() error { return shared.Close(code != 0) }} {
		if err := stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// hosts returns the hosts of the pages and of the mailbox.
func hosts(t *testing.T) []string {
	var all []string
	for _, address := range []string{shared.Stack(t).Demo.BaseURL, shared.Stack(t).Demo.MailboxURL} {
		u, err := url.Parse(address)
		require.NoError(t, err)
		all = append(all, u.Host)
	}
	return all
}

// account is an account for one test.
type account struct{ fixture.Account }

// newAccount creates an account with a few records in every category, and adds rows.
func newAccount(t *testing.T, rows map[schema.Category]int64) account {
	t.Helper()
	a := shared.Stack(t).NewAccount(t, demo.With{Name: "Marlowe & Daughters Bakery", Admin: true, Member: true, Records: true})
	a.Rename(t, "marlowe.example.com", "Ada Marlowe", "Bo Marlowe", "Cleo Marlowe")
	a.Fill(t, rows)
	return account{a}
}

// export starts an export and waits until it is pending.
func (c account) export(t *testing.T, windows schema.Windows) (id string) {
	t.Helper()
	id = c.StartExport(t, windows).ID
	c.await(t, id, schema.Pending)
	return id
}

// confirm sends the signal of the confirmation page.
func (c account) confirm(t *testing.T, id string) {
	t.Helper()
	received, err := client.SignalExport(t.Context(), shared.Stack(t).TemporalClient, c.AccountSID, accountexport.Confirmed, accountexport.SignalPayload{Export: id, By: c.Owner.ID})
	require.NoError(t, err)
	require.True(t, received)
}

// await waits until the row of the export has the status.
func (c account) await(t *testing.T, id string, status schema.Status) {
	t.Helper()
	var now schema.Status
	require.Eventually(t, func() bool {
		err := shared.Stack(t).DB.QueryRowContext(t.Context(), `select status from satchel.exports where id = $1`, id).Scan(&now)
		return err == nil && now == status
	}, timeout, 20*time.Millisecond, "the export never became %s", status)
}

// awaitRequested waits for an export of the account that is not one of known, and
// returns its ID.
func (c account) awaitRequested(t *testing.T, known ...string) (id string) {
	t.Helper()
	require.Eventually(t, func() bool {
		return shared.Stack(t).DB.QueryRowContext(t.Context(), `select id from satchel.exports where account_sid = $1 and id <> all($2)`,
			c.AccountSID, pq.Array(append([]string{}, known...))).Scan(&id) == nil
	}, timeout, 20*time.Millisecond, "no export was requested")
	return id
}

// pauseWorker stops the worker process, and returns a function that resumes it.
func pauseWorker(t *testing.T) (resume func()) {
	t.Helper()
	pid := shared.Stack(t).Worker.PID()
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	resume = sync.OnceFunc(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
	t.Cleanup(resume)
	return resume
}
