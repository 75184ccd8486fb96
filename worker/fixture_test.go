package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/activities"
	"satchel/activities/accountexport"
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

// stores are all rows of one database.
type stores struct {
	*store.DB
	*store.AccountExports
	*store.BulkExports
}

// fixture has the activities of a worker on a real database, bucket and mailbox.
type fixture struct {
	*activitySet
	t       *testing.T
	url     string
	store   stores
	vault   *vault.Vault
	inbox   *testservices.Inbox
	account demo.Account
}

func newFixture(t *testing.T) *fixture {
	ctx := t.Context()
	r := &fixture{t: t, url: testservices.Database(t), inbox: testservices.Mailbox(t)}
	bucket := testservices.Bucket(t)
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
	r.store = stores{own, own.AccountExports(), own.BulkExports()}
	t.Cleanup(func() { require.NoError(t, own.Close()) })
	db, err := source.Open(ctx, r.url, 8)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	queries, err := catalog.Embedded()
	require.NoError(t, err)
	platform, counters := source.NewPlatform(db, queries), newMetrics()
	mailer, err := mail.New(mail.Config{APIKey: "re_test", BaseURL: r.inbox.URL, From: "Satchel <exports@example.com>"})
	require.NoError(t, err)
	r.account, err = demo.NewAccount(ctx, r.url, demo.With{})
	require.NoError(t, err)
	r.activitySet = &activitySet{
		exports: &accountexport.Activities{Store: r.store.AccountExports, Source: platform, Vault: r.vault, Count: counters},
		bulk:    &bulkexport.Activities{Store: r.store.BulkExports, Source: platform, Vault: r.vault, Secrets: r.vault, Count: counters},
		emails: &activities.EmailActivities{Ledger: own, Mail: mailer, Count: counters, Composers: []activities.EmailComposer{
			&accountexport.EmailComposer{Store: r.store.AccountExports, Directory: platform, Links: schema.NewLinks(make([]byte, 32)), Site: "http://localhost:8080"},
		}},
	}
	return r
}
