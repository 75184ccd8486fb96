package main

import (
	"context"
	"errors"
	"io"
	"time"

	"go.temporal.io/sdk/client"

	"satchel/activities"
	"satchel/activities/accountexport"
	"satchel/activities/bulkexport"
	"satchel/activities/vault"
	"satchel/schema"
	"satchel/schema/catalog"
	"satchel/schema/store/source"
	"satchel/workflows"
	bulkworkflows "satchel/workflows/bulkexport"
	workflowclient "satchel/workflows/client"
)

// The adapters in this file give the activities the ports that they ask for.

// sourceAdapter reads the platform's database.
type sourceAdapter struct {
	*source.Directory
	db      *source.DB
	queries *catalog.Catalog
}

var (
	_ accountexport.Source = sourceAdapter{}
	_ bulkexport.Source    = sourceAdapter{}
	_ bulkexport.Archive   = (*source.Archive)(nil)
)

func newSourceAdapter(db *source.DB, queries *catalog.Catalog) sourceAdapter {
	directory := db.Directory(source.DirectoryQueries{
		People: queries.People(), Account: queries.Account(), Credentials: queries.Credentials(),
		Signing: queries.Signing(), Subaccounts: queries.Subaccounts(), Call: queries.Call(),
	})
	return sourceAdapter{Directory: directory, db: db, queries: queries}
}

func (p sourceAdapter) Read(ctx context.Context, c schema.Category, account, after string, do func(time.Time, accountexport.Rows) error) error {
	return p.db.Read(ctx, p.queries.Query(c), account, after, func(s *source.Snapshot) error {
		visible, err := s.Has(p.queries.Account(), account)
		if err == nil && !visible {
			err = schema.Errorf(schema.NotFound, "account_not_found", "There is no such account.")
		}
		if err != nil {
			return err
		}
		return do(s.ReadAt, s)
	})
}

func (p sourceAdapter) ReadDay(ctx context.Context, t schema.ResourceType, account string, day schema.Day, erased []string, do func(activities.Rows) error) error {
	from := day.Begins()
	args := []any{account, from, from.AddDate(0, 0, 1)}
	if t == schema.Calls {
		args = append(args, erased)
	}
	return p.db.ReadRows(ctx, p.queries.Day(t), args, func(s *source.Snapshot) error { return do(s) })
}

// openArchive opens the archive of old calls. It is nil where no URL is configured. A
// company whose catalog does not say how to delete from it has none.
func openArchive(url string, queries *catalog.Catalog, maxConns int) (archive bulkexport.Archive, finish func(), err error) {
	switch {
	case queries.EraseCalls() == "":
		return noArchive{}, func() {}, nil
	case url == "":
		return nil, func() {}, nil
	}
	opened, err := source.OpenArchive(url, queries.EraseCalls(), maxConns)
	if err != nil {
		return nil, nil, err
	}
	return opened, func() { _ = opened.Close() }, nil // nothing is lost by an error
}

// noArchive is the archive of a company that keeps no old calls elsewhere.
type noArchive struct{}

func (noArchive) EraseCalls(context.Context, string, []string) error { return nil }

// vaultAdapter keeps objects and keys.
type vaultAdapter struct{ *vault.Vault }

func (p vaultAdapter) Unlock(ctx context.Context, wrapped []byte, account, owner string) (activities.Opener, error) {
	id, err := p.Unwrap(ctx, wrapped, account, owner)
	return opener{p.Vault, id}, err
}

func (p vaultAdapter) Remove(ctx context.Context, prefix string) (schema.Certificate, error) {
	removed, err := p.Vault.Remove(ctx, prefix)
	return schema.Certificate{Objects: removed.Objects, Versions: removed.Versions, Uploads: removed.Uploads}, err
}

type opener struct {
	vault *vault.Vault
	id    vault.Identity
}

func (o opener) Get(ctx context.Context, key string, buf []byte) ([]byte, error) {
	return o.vault.Get(ctx, key, o.id, buf)
}

func (o opener) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	r, err := o.vault.OpenAt(ctx, key, o.id)
	if err != nil {
		return nil, err
	}
	return openObject{r.Stream(), r}, nil
}

type openObject struct {
	*vault.Stream
	object *vault.Reader
}

func (o openObject) Close() error { return errors.Join(o.Stream.Close(), o.object.Close()) }

// runsAdapter reads and starts workflow runs.
type runsAdapter struct{ client.Client }

var (
	_ accountexport.Runs = runsAdapter{}
	_ bulkexport.Runs    = runsAdapter{}
)

func (p runsAdapter) IsOpen(ctx context.Context, account, export string) (bool, error) {
	run, open, err := workflowclient.FindOpen(ctx, p.Client, account)
	return open && run.Export == export, err
}

func (p runsAdapter) IsJobOpen(ctx context.Context, job string) (bool, error) {
	return workflowclient.IsOpen(ctx, p.Client, workflows.BulkJobID(job))
}

func (p runsAdapter) IsWebhookOpen(ctx context.Context, event string) (bool, error) {
	return workflowclient.IsOpen(ctx, p.Client, workflows.WebhookID(event))
}

func (p runsAdapter) IsEmailOpen(ctx context.Context, job string, kind activities.EmailKind) (bool, error) {
	return workflowclient.IsOpen(ctx, p.Client, workflows.EmailID(job, kind))
}

func (p runsAdapter) RequestRebuild(ctx context.Context, account string, day schema.Day) error {
	return workflowclient.RequestRebuild(ctx, p.Client, account, day)
}

// schedulesAdapter keeps the schedules of daily exports.
type schedulesAdapter struct {
	client.Client
	delay  time.Duration
	limits schema.BulkLimits
}

func (p schedulesAdapter) SetDaily(ctx context.Context, account string, t schema.ResourceType, enabled bool) error {
	if !enabled {
		return workflowclient.UnscheduleDaily(ctx, p.Client, account, t)
	}
	return workflowclient.ScheduleDaily(ctx, p.Client, bulkworkflows.BulkDailyInput{Account: account, Type: t, Limits: p.limits}, p.delay)
}
