package browser

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"satchel/dev/demo"
	onemachine "satchel/dev/stack"
	"satchel/schema"
	"satchel/workflows/accountexport"
	workflowclient "satchel/workflows/client"
)

var screenshots = flag.String("screenshots", "", "folder in which to leave a picture of every state")

// stage is one stack for all tests of the package, which run one after the
// other. Its windows are those of production; a test that cannot wait for one
// starts an export with shorter ones.
var stage struct {
	sync.Once
	*onemachine.Stack
	db       *sql.DB
	temporal client.Client
	dir      string
	err      error
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	for _, stop := range []func() error{stopChromium, stopStage} {
		if err := stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if stage.dir != "" && code == 0 {
		_ = os.RemoveAll(stage.dir)
	}
	os.Exit(code)
}

// stack starts the stack unless it is up.
func stack(t *testing.T) *onemachine.Stack {
	t.Helper()
	stage.Do(func() { stage.err = startStage() })
	require.NoError(t, stage.err, "logs are in %s", filepath.Join(stage.dir, "log"))
	return stage.Stack
}

func startStage() (err error) {
	if stage.dir, err = os.MkdirTemp("", "satchel-browser-"); err != nil {
		return err
	}
	// Pictures show what customers see; only operators are led to Temporal.
	stage.Stack, err = onemachine.Start(context.Background(), onemachine.Options{
		Dir: stage.dir, UI: *screenshots == "",
		Env: []string{"SWEEP_EVERY=5s", "SWEEP_GRACE=2s", "RATE_LIMIT=500"},
	})
	if err != nil {
		return err
	}
	if stage.db, err = sql.Open("postgres", stage.Demo.DatabaseURL); err != nil {
		return err
	}
	stage.temporal, err = client.Dial(client.Options{
		HostPort: stage.Demo.TemporalAddress, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	return err
}

func stopStage() error {
	if stage.temporal != nil {
		stage.temporal.Close()
	}
	if stage.db != nil {
		_ = stage.db.Close()
	}
	if stage.Stack != nil {
		return stage.Stop()
	}
	return nil
}

// hosts are the pages' and the mailbox's.
func hosts(t *testing.T) []string {
	var all []string
	for _, address := range []string{stack(t).Demo.BaseURL, stack(t).Demo.MailboxURL} {
		u, err := url.Parse(address)
		require.NoError(t, err)
		all = append(all, u.Host)
	}
	return all
}

// company is an account with its people.
type company struct {
	demo.Account
	owner, admin, member demo.User
}

// newCompany makes an account that no other test knows, with a few records of
// every kind, and more where rows says so.
func newCompany(t *testing.T, rows map[schema.Category]int64) company {
	t.Helper()
	url := stack(t).Demo.DatabaseURL
	a, err := demo.NewAccount(t.Context(), url, demo.With{Name: "Marlowe & Daughters Bakery", Admin: true, Member: true, Records: true})
	require.NoError(t, err)
	for i, name := range []string{"Ada", "Bo", "Cleo"} {
		u := &a.Users[i]
		u.Name, u.Email = name+" Marlowe", map[string]string{"Ada": "ada@", "Bo": "bo@", "Cleo": "cleo@"}[name]+"marlowe.example.com"
		_, err := stage.db.ExecContext(t.Context(), `update platform.users set name = $2, email = $3 where sid = $1`, u.ID, u.Name, u.Email)
		require.NoError(t, err)
	}
	require.NoError(t, demo.Fill(t.Context(), url, a.AccountSID, rows, nil))
	a = a.At(stage.Demo.BaseURL)
	return company{a, a.As(schema.Owner), a.As(schema.Admin), a.As(schema.Member)}
}

// export starts an export of the company as the server does, with windows of
// its own where a test cannot wait for a day.
func (c company) export(t *testing.T, windows schema.Windows) (id string) {
	t.Helper()
	day := schema.DefaultWindows()
	for _, w := range []struct{ window, usual *time.Duration }{
		{&windows.Confirm, &day.Confirm}, {&windows.Download, &day.Download}, {&windows.Cooldown, &day.Cooldown}, {&windows.Collect, &day.Collect},
	} {
		if *w.window == 0 {
			*w.window = *w.usual
		}
	}
	in := accountexport.AccountExportInput{
		ID: schema.NewExportID(), Account: c.AccountSID, RequestedBy: c.owner.ID,
		RequestedAt: time.Now().UTC().Truncate(time.Microsecond), Windows: windows,
	}
	_, err := workflowclient.StartAccountExport(t.Context(), stage.temporal, in)
	require.NoError(t, err)
	c.await(t, in.ID, schema.Pending)
	return in.ID
}

// confirm tells the run what the confirmation page would tell it.
func (c company) confirm(t *testing.T, id string) {
	t.Helper()
	told, err := workflowclient.SignalExport(t.Context(), stage.temporal, c.AccountSID, accountexport.Confirmed, accountexport.SignalPayload{Export: id, By: c.owner.ID})
	require.NoError(t, err)
	require.True(t, told)
}

// await waits until the export's row says the status.
func (c company) await(t *testing.T, id string, status schema.Status) {
	t.Helper()
	var now schema.Status
	require.Eventually(t, func() bool {
		err := stage.db.QueryRowContext(t.Context(), `select status from satchel.exports where id = $1`, id).Scan(&now)
		return err == nil && now == status
	}, patience, 20*time.Millisecond, "the export is to be %s", status)
}

// asked waits until the company's people have asked for an export that is not
// one of those known, and returns its ID.
func (c company) asked(t *testing.T, known ...string) (id string) {
	t.Helper()
	require.Eventually(t, func() bool {
		return stage.db.QueryRowContext(t.Context(), `select id from satchel.exports where account_sid = $1 and id <> all($2)`,
			c.AccountSID, pq.Array(append([]string{}, known...))).Scan(&id) == nil
	}, patience, 20*time.Millisecond, "nobody asked for an export")
	return id
}

// hold stops the worker in the middle of whatever it does, and returns what
// lets it go on.
func hold(t *testing.T) (goOn func()) {
	t.Helper()
	pid := stack(t).Worker.PID()
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	goOn = sync.OnceFunc(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
	t.Cleanup(goOn)
	return goOn
}
