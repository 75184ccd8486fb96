package main

import (
	"context"
	"errors"
	"io"
	"time"

	"go.temporal.io/sdk/client"

	"satchel/activities"
	"satchel/activities/vault"
	"satchel/program"
	"satchel/schema"
	"satchel/schema/catalog"
	"satchel/schema/store/source"
	"satchel/workflows"
)

// The ports fit what activities ask for to what there is.

type sourcePort struct {
	*source.Directory
	db      *source.DB
	queries *catalog.Catalog
}

func newSourcePort(db *source.DB, queries *catalog.Catalog) sourcePort {
	return sourcePort{Directory: db.Directory(program.DirectoryQueries(queries)), db: db, queries: queries}
}

func (p sourcePort) Read(ctx context.Context, c schema.Category, account, after string, do func(time.Time, activities.Rows) error) error {
	return p.db.Read(ctx, p.queries.Query(c), account, after, func(s *source.Snapshot) error {
		seen, err := s.Has(p.queries.Account(), account)
		if err == nil && !seen {
			err = schema.Errorf(schema.NotFound, "account_not_found", "There is no such account.")
		}
		if err != nil {
			return err
		}
		return do(s.ReadAt, s)
	})
}

type vaultPort struct{ *vault.Vault }

func (p vaultPort) Unlock(ctx context.Context, wrapped []byte, account, export string) (activities.Opener, error) {
	id, err := p.Unwrap(ctx, wrapped, account, export)
	return opener{p.Vault, id}, err
}

func (p vaultPort) Remove(ctx context.Context, prefix string) (schema.Certificate, error) {
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
	return opened{r.Stream(), r}, nil
}

// opened is an object that is being read.
type opened struct {
	*vault.Stream
	object *vault.Reader
}

func (o opened) Close() error { return errors.Join(o.Stream.Close(), o.object.Close()) }

type runsPort struct{ client.Client }

func (p runsPort) IsOpen(ctx context.Context, account, export string) (bool, error) {
	run, open, err := workflows.FindOpen(ctx, p.Client, account)
	return open && run.Export == export, err
}

func (p runsPort) IsJobOpen(ctx context.Context, job string) (bool, error) {
	return workflows.IsOpen(ctx, p.Client, workflows.BulkJobID(job))
}

func (p runsPort) IsEventOpen(ctx context.Context, event string) (bool, error) {
	return workflows.IsOpen(ctx, p.Client, workflows.WebhookID(event))
}

func (p runsPort) IsJobMailOpen(ctx context.Context, job string, kind activities.MailKind) (bool, error) {
	return workflows.IsOpen(ctx, p.Client, workflows.LetterID(job, kind))
}

func (p runsPort) MakeDayAgain(ctx context.Context, account string, day schema.Day) error {
	return workflows.MakeDayAgain(ctx, p.Client, account, day)
}

type schedulesPort struct {
	client.Client
	delay  time.Duration
	limits schema.BulkLimits
}

func (p schedulesPort) SetDaily(ctx context.Context, account string, t schema.ResourceType, enabled bool) error {
	if !enabled {
		return workflows.UnscheduleDaily(ctx, p.Client, account, t)
	}
	return workflows.ScheduleDaily(ctx, p.Client, workflows.Daily{Account: account, Type: t, Limits: p.limits}, p.delay)
}
