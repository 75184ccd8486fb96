package activities_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"satchel/activities"
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

// people and tokens are what mails and webhooks ask the platform for.
type (
	people struct{ *source.Directory }
	tokens struct{ *source.Directory }
)

func (people) ReadCategory(context.Context, schema.Category, string, string, func(time.Time, activities.Rows) error) error {
	panic("no letter reads records")
}

func (tokens) ReadDay(context.Context, schema.ResourceType, string, schema.Day, []string, func(activities.DayRows) error) error {
	panic("no webhook reads records")
}

// letterCount counts letters by kind and outcome.
type letterCount struct {
	activities.Counters
	mu     sync.Mutex
	mailed map[string]int
}

func (c *letterCount) Mailed(kind mail.Kind, outcome string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mailed[string(kind)+" "+outcome]++
}

// rig is the activities that tell people and programs of jobs, on a real
// database, mailbox and key ring.
type rig struct {
	*activities.Activities
	t       *testing.T
	store   *store.BulkExports
	inbox   *testservices.Inbox
	account demo.Account
	count   *letterCount
}

func newRig(t *testing.T, with demo.With) *rig {
	ctx, url := t.Context(), testservices.Database(t)
	r := &rig{t: t, inbox: testservices.Mailbox(t), count: &letterCount{mailed: map[string]int{}}}
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
	r.Activities = &activities.Activities{
		Store: r.store.AccountExports(), Bulk: r.store, Source: people{directory}, Days: tokens{directory}, Secrets: keys, Mail: mailer,
		Links: schema.NewLinks(make([]byte, 32)), Site: "https://export.example.com", Count: r.count,
	}
	return r
}

// run runs an activity as Temporal would.
func (r *rig) run(activity, in any) error {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.SetTestTimeout(time.Minute)
	env.RegisterActivity(r.Activities)
	_, err := env.ExecuteActivity(activity, in)
	return err
}

// job opens a job of three days.
func (r *rig) job(o schema.JobOpening) schema.Job {
	r.t.Helper()
	o.ID, o.Account, o.Family = schema.NewJobID(), r.account.AccountSID, r.account.AccountSID
	o.Type, o.Start, o.End, o.QuotaDays = schema.Calls, "2026-03-01", "2026-03-03", 366
	require.NoError(r.t, r.store.OpenJob(r.t.Context(), o))
	job, err := r.store.Job(r.t.Context(), o.ID)
	require.NoError(r.t, err)
	return job
}
