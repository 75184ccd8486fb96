package bulkexport_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"satchel/activities"
	"satchel/activities/bulkexport"
	"satchel/activities/mail"
	"satchel/activities/vault"
	"satchel/dev/demo"
	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/catalog"
	"satchel/schema/store"
	"satchel/schema/store/source"
)

func TestMain(m *testing.M) { testservices.Main(m) }

// platform reads accounts, users and auth tokens, and no records.
type platform struct{ *source.Directory }

func (platform) ReadDay(context.Context, schema.ResourceType, string, schema.Day, []string, func(schema.RecordReader) error) error {
	panic("no e-mail or webhook reads records")
}

// emailCount counts e-mails by kind and outcome.
type emailCount struct {
	mu     sync.Mutex
	mailed map[string]int
}

func (c *emailCount) Mailed(kind mail.Kind, outcome string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mailed[string(kind)+" "+outcome]++
}

// fixture has the activities that send webhooks and e-mails about jobs, on a real
// database, mailbox and key ring.
type fixture struct {
	*bulkexport.Activities
	emails  *activities.EmailActivities
	links   schema.Links
	t       *testing.T
	store   *store.BulkExports
	inbox   *testservices.Inbox
	account demo.Account
	count   *emailCount
}

func newFixture(t *testing.T, with demo.With) *fixture {
	ctx, url := t.Context(), testservices.Database(t)
	r := &fixture{t: t, inbox: testservices.Mailbox(t), count: &emailCount{mailed: map[string]int{}}}
	keyset := filepath.Join(t.TempDir(), "keyset.json")
	require.NoError(t, vault.WriteDevelopmentKeyset(keyset))
	keys, err := vault.Open(ctx, vault.Config{Bucket: "not-asked", Endpoint: "http://localhost", KeysetFile: keyset})
	require.NoError(t, err)
	t.Cleanup(keys.Close)
	own, err := store.Open(url, 8)
	require.NoError(t, err)
	r.store = own.BulkExports()
	t.Cleanup(func() { require.NoError(t, r.store.Close()) })
	db, err := source.Open(ctx, url, 8)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	queries, err := catalog.Embedded()
	require.NoError(t, err)
	directory := db.Directory(source.DirectoryQueries{People: queries.People(), Account: queries.Account(), Signing: queries.Signing()})
	mailer, err := mail.New(mail.Config{APIKey: "re_test", BaseURL: r.inbox.URL, From: "Satchel <exports@example.com>"})
	require.NoError(t, err)
	with.Seal = func(account string, token []byte) ([]byte, error) {
		return keys.Seal(ctx, token, account, schema.SealedToken)
	}
	r.account, err = demo.NewAccount(ctx, url, with)
	require.NoError(t, err)
	r.links = schema.NewLinks(make([]byte, 32))
	r.Activities = &bulkexport.Activities{Store: r.store, Source: platform{directory}, Secrets: keys}
	r.emails = &activities.EmailActivities{Ledger: r.store, Mail: mailer, Count: r.count, Composers: []activities.EmailComposer{
		&bulkexport.EmailComposer{Store: r.store, Directory: directory, Links: r.links, Site: "https://export.example.com"},
	}}
	return r
}

// run runs an activity as Temporal would.
func (r *fixture) run(activity, in any) error {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.SetTestTimeout(time.Minute)
	env.RegisterActivity(r.Activities)
	env.RegisterActivity(r.emails)
	_, err := env.ExecuteActivity(activity, in)
	return err
}

// job opens a job of three days.
func (r *fixture) job(o schema.JobOpening) schema.Job {
	r.t.Helper()
	o.ID, o.Account, o.Family = schema.NewJobID(), r.account.AccountSID, r.account.AccountSID
	o.Type, o.Start, o.End, o.QuotaDays = schema.Calls, "2026-03-01", "2026-03-03", 366
	require.NoError(r.t, r.store.OpenJob(r.t.Context(), o))
	job, err := r.store.Job(r.t.Context(), o.ID)
	require.NoError(r.t, err)
	return job
}
