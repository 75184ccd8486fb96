package main

import (
	"context"
	"time"

	"go.temporal.io/sdk/client"

	"satchel/activities"
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
	directory := db.Directory(source.DirectoryQueries{
		People: queries.People(), Account: queries.Account(), Credentials: queries.Credentials(),
		Signing: queries.Signing(), Subaccounts: queries.Subaccounts(), Call: queries.Call(),
	})
	return sourcePort{Directory: directory, db: db, queries: queries}
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
