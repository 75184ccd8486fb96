package accountexport_test

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"satchel/activities"
	"satchel/activities/accountexport"
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

// fixture has the activities of account exports on a real database, bucket and mailbox.
type fixture struct {
	*accountexport.Activities
	emails    *activities.EmailActivities
	directory *directory
	t         *testing.T
	url       string
	store     *store.AccountExports
	vault     *vault.Vault
	inbox     *testservices.Inbox
	bucket    testservices.S3
	account   demo.Account
	export    string
	count     *counters
}

func newFixture(t *testing.T, with demo.With, rows map[schema.Category]int64) *fixture {
	ctx := t.Context()
	r := &fixture{t: t, url: testservices.Database(t), inbox: testservices.Mailbox(t), export: schema.NewExportID(), count: &counters{mailed: map[string]int{}}}
	bucket := testservices.Bucket(t)
	r.bucket = bucket
	t.Setenv("AWS_ACCESS_KEY_ID", bucket.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", bucket.SecretKey)
	t.Setenv("AWS_REGION", bucket.Region)
	keyset := filepath.Join(t.TempDir(), "keyset.json")
	require.NoError(t, vault.WriteDevelopmentKeyset(keyset))
	var err error
	r.vault, err = vault.Open(ctx, vault.Config{Bucket: bucket.Bucket, Endpoint: bucket.Endpoint, KeysetFile: keyset})
	require.NoError(t, err)
	t.Cleanup(r.vault.Close)
	own, err := store.Open(r.url, 8)
	require.NoError(t, err)
	r.store = own.AccountExports()
	t.Cleanup(func() { require.NoError(t, own.Close()) })
	db, err := source.Open(ctx, r.url, 8)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	queries, err := catalog.Embedded()
	require.NoError(t, err)
	platform := source.NewPlatform(db, queries)
	mailer, err := mail.New(mail.Config{APIKey: "re_test", BaseURL: r.inbox.URL, From: "Satchel <exports@example.com>"})
	require.NoError(t, err)
	r.account, err = demo.NewAccount(ctx, r.url, with)
	require.NoError(t, err)
	if rows != nil {
		require.NoError(t, demo.Fill(ctx, r.url, r.account.AccountSID, rows, nil))
	}
	r.Activities = &accountexport.Activities{Store: r.store, Source: platform, Vault: r.vault, Count: r.count, PieceSize: 512 << 10}
	r.directory = &directory{Directory: platform}
	r.emails = &activities.EmailActivities{Ledger: own, Mail: mailer, Count: r.count, Composers: []activities.EmailComposer{
		&accountexport.EmailComposer{Store: r.store, Directory: r.directory, Links: schema.NewLinks(make([]byte, 32)), Site: "http://localhost:8080"},
	}}
	return r
}

// directory is the platform's, unless a test replaces it.
type directory struct{ activities.Directory }

// counters count e-mails by kind and outcome.
type counters struct {
	mu     sync.Mutex
	mailed map[string]int
}

func (c *counters) Wrote(schema.Category, int64, int64) {}

func (c *counters) Mailed(kind mail.Kind, outcome string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mailed[string(kind)+" "+outcome]++
}

// run runs an activity as Temporal would.
func (r *fixture) run(activity, in, out any) error {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.SetTestTimeout(time.Minute)
	env.RegisterActivity(r.Activities)
	env.RegisterActivity(r.emails)
	var args []any
	if in != nil {
		args = append(args, in)
	}
	answer, err := env.ExecuteActivity(activity, args...)
	if err == nil && out != nil {
		return answer.Get(out)
	}
	return err
}

// nonRetryable tells whether Temporal will not retry.
func nonRetryable(t *testing.T, err error) bool {
	t.Helper()
	var e *temporal.ApplicationError
	require.ErrorAs(t, err, &e)
	return e.NonRetryable()
}

func (r *fixture) exec(query string, args ...any) {
	r.t.Helper()
	_, err := r.store.SQL().Exec(query, args...)
	require.NoError(r.t, err)
}

// enlargeCalls makes a few hundred calls fill several pieces.
func (r *fixture) enlargeCalls() {
	r.t.Helper()
	r.exec(`update platform.calls set caller_name = repeat('x', 6000)`)
}

func (r *fixture) open() {
	r.t.Helper()
	owner := r.account.As(schema.Owner).ID
	now := time.Now()
	require.NoError(r.t, r.run(r.OpenExport, accountexport.OpenExportInput{Export: r.export, Account: r.account.AccountSID, RequestedBy: owner, RequestedAt: now, ConfirmBy: now.Add(time.Hour)}, nil))
}

func (r *fixture) confirm() {
	r.t.Helper()
	r.open()
	require.NoError(r.t, r.run(r.ConfirmExport, accountexport.ConfirmExportInput{Export: r.export, Account: r.account.AccountSID, By: r.account.As(schema.Owner).ID}, nil))
}

func (r *fixture) collect(c schema.Category) error {
	return r.run(r.CollectCategory, accountexport.CollectCategoryInput{Export: r.export, Account: r.account.AccountSID, Category: c}, nil)
}

func (r *fixture) collectAll() {
	r.t.Helper()
	for _, c := range schema.Categories {
		require.NoError(r.t, r.collect(c), c)
	}
}

func (r *fixture) complete() accountexport.AssembleArchiveResult {
	r.t.Helper()
	var archive accountexport.AssembleArchiveResult
	require.NoError(r.t, r.run(r.AssembleArchive, accountexport.AssembleArchiveInput{Export: r.export, Account: r.account.AccountSID}, &archive))
	var done accountexport.CompleteExportResult
	require.NoError(r.t, r.run(r.CompleteExport, accountexport.CompleteExportInput{Export: r.export, Account: r.account.AccountSID, Archive: archive, Windows: schema.DefaultWindows()}, &done))
	require.Equal(r.t, 24*time.Hour, done.ExpiresAt.Sub(done.CompletedAt))
	return archive
}
