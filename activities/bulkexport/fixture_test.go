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

// fixture has the activities of bulk exports on a real database, mailbox and key ring,
// and, where a test asks for it, on a real bucket.
type fixture struct {
	*bulkexport.Activities
	emails  *activities.EmailActivities
	links   schema.Links
	t       *testing.T
	url     string
	vault   *vault.Vault
	rebuilt []schema.Day // whose rebuild was requested
	store   *store.BulkExports
	inbox   *testservices.Inbox
	account demo.Account
	count   *emailCount
}

func newFixture(t *testing.T, with demo.With) *fixture {
	return newFixtureOn(t, vault.Config{Bucket: "not-asked", Endpoint: "http://localhost"}, with)
}

// newFixtureWithBucket stores objects in a bucket of its own.
func newFixtureWithBucket(t *testing.T, with demo.With) *fixture {
	bucket := testservices.Bucket(t)
	t.Setenv("AWS_ACCESS_KEY_ID", bucket.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", bucket.SecretKey)
	t.Setenv("AWS_REGION", bucket.Region)
	return newFixtureOn(t, vault.Config{Bucket: bucket.Bucket, Endpoint: bucket.Endpoint}, with)
}

func newFixtureOn(t *testing.T, c vault.Config, with demo.With) *fixture {
	ctx := t.Context()
	r := &fixture{t: t, url: testservices.Database(t), inbox: testservices.Mailbox(t), count: &emailCount{mailed: map[string]int{}}}
	c.KeysetFile = filepath.Join(t.TempDir(), "keyset.json")
	require.NoError(t, vault.WriteDevelopmentKeyset(c.KeysetFile))
	var err error
	r.vault, err = vault.Open(ctx, c)
	require.NoError(t, err)
	t.Cleanup(r.vault.Close)
	own, err := store.Open(r.url, 8)
	require.NoError(t, err)
	r.store = own.BulkExports()
	t.Cleanup(func() { require.NoError(t, own.Close()) })
	db, err := source.Open(ctx, r.url, 8)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	queries, err := catalog.Embedded()
	require.NoError(t, err)
	platform := source.NewPlatform(db, queries)
	mailer, err := mail.New(mail.Config{APIKey: "re_test", BaseURL: r.inbox.URL, From: "Satchel <exports@example.com>"})
	require.NoError(t, err)
	with.Seal = func(account string, token []byte) ([]byte, error) {
		return r.vault.Seal(ctx, token, account, schema.SealedToken)
	}
	r.account, err = demo.NewAccount(ctx, r.url, with)
	require.NoError(t, err)
	r.links = schema.NewLinks(make([]byte, 32))
	r.Activities = &bulkexport.Activities{
		Store: r.store, Source: platform, Vault: r.vault, Secrets: r.vault, Runs: runs{requested: &r.rebuilt}, Count: uncounted{},
	}
	r.emails = &activities.EmailActivities{Ledger: own, Mail: mailer, Count: r.count, Composers: []activities.EmailComposer{
		&bulkexport.EmailComposer{Store: r.store, Directory: platform, Links: r.links, Site: "https://export.example.com"},
	}}
	return r
}

// runs says the same of every run.
type runs struct {
	open      bool
	requested *[]schema.Day // rebuilds
}

func (r runs) IsJobOpen(context.Context, string) (bool, error)     { return r.open, nil }
func (r runs) IsWebhookOpen(context.Context, string) (bool, error) { return r.open, nil }
func (r runs) IsEmailOpen(context.Context, string, activities.EmailKind) (bool, error) {
	return r.open, nil
}

func (r runs) RequestRebuild(_ context.Context, _ string, day schema.Day) error {
	*r.requested = append(*r.requested, day)
	return nil
}

// run runs an activity as Temporal would.
func (r *fixture) run(activity any, in ...any) error { return r.get(nil, activity, in...) }

// get runs an activity and takes its result.
func (r *fixture) get(result, activity any, in ...any) error {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.SetTestTimeout(time.Minute)
	env.RegisterActivity(r.Activities)
	env.RegisterActivity(r.emails)
	answer, err := env.ExecuteActivity(activity, in...)
	if err == nil && result != nil {
		return answer.Get(result)
	}
	return err
}

func (r *fixture) exec(query string, args ...any) {
	r.t.Helper()
	_, err := r.store.SQL().Exec(query, args...)
	require.NoError(r.t, err)
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
