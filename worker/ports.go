package main

import (
	"context"
	"iter"
	"time"

	"go.temporal.io/sdk/client"

	"satchel/activities"
	"satchel/activities/accountexport"
	"satchel/activities/bulkexport"
	"satchel/activities/program"
	"satchel/activities/vault"
	"satchel/schema"
	"satchel/schema/catalog"
	"satchel/schema/store/source"
	"satchel/workflows"
	bulkworkflows "satchel/workflows/bulkexport"
	workflowclient "satchel/workflows/client"
)

// Ports of the activities that their packages implement, and adapters for the rest.

var (
	_ accountexport.Source = (*source.Platform)(nil)
	_ bulkexport.Source    = (*source.Platform)(nil)
	_ bulkexport.Archive   = (*source.Archive)(nil)
	_ accountexport.Vault  = (*vault.Vault)(nil)
	_ bulkexport.Vault     = (*vault.Vault)(nil)
)

// openArchive opens the archive of old calls. It is nil where no URL is configured. A
// company whose catalog does not say how to delete from it has none.
func openArchive(ctx context.Context, url string, queries *catalog.Catalog, maxConns int) (archive bulkexport.Archive, finish func(), err error) {
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
	if err := program.CheckSessions(ctx, opened); err != nil {
		_ = opened.Close()
		return nil, nil, err
	}
	return opened, func() { _ = opened.Close() }, nil // nothing is lost by an error
}

// noArchive is the archive of a company that keeps no old calls elsewhere.
type noArchive struct{}

func (noArchive) EraseCalls(context.Context, string, []string) error { return nil }

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

func (p runsAdapter) OpenRuns(ctx context.Context) iter.Seq2[[]accountexport.OpenRun, error] {
	return workflowclient.OpenRuns(ctx, p.Client)
}

func (p runsAdapter) HasOpened(ctx context.Context, run accountexport.OpenRun) (bool, error) {
	return workflowclient.HasOpened(ctx, p.Client, run)
}

func (p runsAdapter) Terminate(ctx context.Context, run accountexport.OpenRun, reason string) error {
	return workflowclient.TerminateRun(ctx, p.Client, run, reason)
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

func (p schedulesAdapter) ListDaily(ctx context.Context) (map[workflowclient.DailySchedule]bool, error) {
	return workflowclient.ListDaily(ctx, p.Client, p.limits, p.delay)
}

func (p schedulesAdapter) SetDaily(ctx context.Context, account string, t schema.ResourceType, enabled bool) error {
	if !enabled {
		return workflowclient.UnscheduleDaily(ctx, p.Client, account, t)
	}
	return workflowclient.ScheduleDaily(ctx, p.Client, bulkworkflows.BulkDailyInput{Account: account, Type: t, Limits: p.limits}, p.delay)
}
