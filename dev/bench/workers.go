package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"

	enumspb "go.temporal.io/api/enums/v1"

	"satchel/dev/services"
	"satchel/workflows"
)

// Shared is the measurements of small exports by several worker processes.
type Shared struct {
	Workers   int
	Exports   int
	PerMinute float64
	Shares    []int // activities by process, most first
	Retried   int   // attempts beyond the first
}

// measureWorkers makes the same small exports with one worker process and with
// more, and counts the activities of each in the histories. A lost export, or one
// with a different number of records, is an error.
func (b *bench) measureWorkers(ctx context.Context) error {
	accounts, err := b.newAccounts(ctx, b.Shared)
	if err != nil {
		return err
	}
	records := make([]int64, len(accounts))
	for _, n := range b.Workers {
		b.say("Making %d small exports with %d worker processes.", len(accounts), n)
		shared, err := b.share(ctx, accounts, n, records)
		if err != nil {
			return fmt.Errorf("%d workers: %w", n, err)
		}
		b.say("  %.0f exports a minute, activities by process: %v", shared.PerMinute, shared.Shares)
		b.report.Workers = append(b.report.Workers, shared)
	}
	return nil
}

func (b *bench) share(ctx context.Context, accounts []*account, n int, records []int64) (_ Shared, err error) {
	var more []*services.Service
	defer func() {
		for _, worker := range more {
			err = errors.Join(err, worker.Stop())
		}
	}()
	for i := range n - 1 {
		worker, err := b.AnotherWorker(fmt.Sprint("worker-", i+2))
		if err != nil {
			return Shared{}, err
		}
		more = append(more, worker)
		if err := worker.Start(ctx); err != nil {
			return Shared{}, err
		}
	}
	made, took, err := b.together(ctx, accounts)
	if err != nil {
		return Shared{}, err
	}
	shared, by := Shared{Workers: n, Exports: len(made), PerMinute: perMinute(len(made), took)}, map[string]int{}
	for i, e := range made {
		if records[i] == 0 {
			records[i] = e.records()
		}
		if records[i] != e.records() {
			return Shared{}, fmt.Errorf("export %s has %d records, and %d before", e.ID, e.records(), records[i])
		}
	}
	if err := b.removeAll(ctx, accounts, made); err != nil {
		return Shared{}, err
	}
	for _, a := range accounts {
		runs, err := b.histories(ctx, workflows.AccountExportID(a.AccountSID), "")
		if err != nil {
			return Shared{}, err
		}
		for _, event := range slices.Concat(runs...) {
			if event.GetEventType() == enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED {
				started := event.GetActivityTaskStartedEventAttributes()
				by[started.GetIdentity()]++
				shared.Retried += int(started.GetAttempt()) - 1
			}
		}
	}
	for _, share := range by {
		shared.Shares = append(shared.Shares, share)
	}
	slices.SortFunc(shared.Shares, func(a, b int) int { return b - a })
	return shared, nil
}
