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

// WorkersRun is the measurement of small exports by a number of worker processes.
type WorkersRun struct {
	Workers   int
	Exports   int
	PerMinute float64
	Shares    []int // activities by process, descending
	Retried   int   // attempts beyond the first
}

// measureWorkers makes the same small exports with each number of worker processes,
// and counts the activities of each process in the histories. A lost export, or one
// with a different number of records, is an error.
func (b *bench) measureWorkers(ctx context.Context) error {
	accounts, err := b.newAccounts(ctx, b.Shared)
	if err != nil {
		return err
	}
	records := make([]int64, len(accounts))
	for _, n := range b.Workers {
		b.say("Making %d small exports with %d worker processes.", len(accounts), n)
		run, err := b.measureWorkerCount(ctx, accounts, n, records)
		if err != nil {
			return fmt.Errorf("%d workers: %w", n, err)
		}
		b.say("  %.0f exports a minute, activities by process: %v", run.PerMinute, run.Shares)
		b.report.Workers = append(b.report.Workers, run)
	}
	return nil
}

// measureWorkerCount starts n-1 more workers for one run. records has the number of
// records of each account, and is filled by the first run.
func (b *bench) measureWorkerCount(ctx context.Context, accounts []*account, n int, records []int64) (_ WorkersRun, err error) {
	var more []*services.Service
	defer func() {
		for _, worker := range more {
			err = errors.Join(err, worker.Stop())
		}
	}()
	for i := range n - 1 {
		worker, err := b.AnotherWorker(fmt.Sprint("worker-", i+2))
		if err != nil {
			return WorkersRun{}, err
		}
		more = append(more, worker)
		if err := worker.Start(ctx); err != nil {
			return WorkersRun{}, err
		}
	}
	made, took, err := b.exportAll(ctx, accounts)
	if err != nil {
		return WorkersRun{}, err
	}
	run, activities := WorkersRun{Workers: n, Exports: len(made), PerMinute: perMinute(len(made), took)}, map[string]int{}
	for i, e := range made {
		if records[i] == 0 {
			records[i] = e.records()
		}
		if records[i] != e.records() {
			return WorkersRun{}, fmt.Errorf("export %s has %d records, and %d before", e.ID, e.records(), records[i])
		}
	}
	if err := b.removeAll(ctx, accounts, made); err != nil {
		return WorkersRun{}, err
	}
	for _, a := range accounts {
		runs, err := b.histories(ctx, workflows.AccountExportID(a.AccountSID), "")
		if err != nil {
			return WorkersRun{}, err
		}
		for _, event := range slices.Concat(runs...) {
			if event.GetEventType() == enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED {
				started := event.GetActivityTaskStartedEventAttributes()
				activities[started.GetIdentity()]++
				run.Retried += int(started.GetAttempt()) - 1
			}
		}
	}
	for _, n := range activities {
		run.Shares = append(run.Shares, n)
	}
	slices.SortFunc(run.Shares, func(a, b int) int { return b - a })
	return run, nil
}
