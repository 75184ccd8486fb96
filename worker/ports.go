package main

import (
	"context"
	"time"

	"go.temporal.io/sdk/client"

	"satchel/activities"
	"satchel/schema"
	"satchel/workflows"
)

// The ports fit what activities ask for to what there is.

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
