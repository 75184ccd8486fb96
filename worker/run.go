package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	sdk "go.temporal.io/sdk/worker"
	"golang.org/x/sync/errgroup"

	"satchel/activities"
	"satchel/activities/accountexport"
	"satchel/activities/bulkexport"
	"satchel/activities/hook"
	"satchel/activities/mail"
	"satchel/activities/program"
	"satchel/schema"
	"satchel/schema/store"
	"satchel/schema/store/source"
	"satchel/workflows"
	exportworkflows "satchel/workflows/accountexport"
	bulkworkflows "satchel/workflows/bulkexport"
	workflowclient "satchel/workflows/client"
	"satchel/workflows/registry"
)

// Run connects everything and runs workers until ctx ends.
func (r runCommand) Run(ctx context.Context, logger *slog.Logger) error {
	debug.SetGCPercent(r.GCPercent)
	site, linkKey, err := r.Parse(r.Dev)
	if err != nil {
		return err
	}
	queries, err := r.Catalog()
	if err != nil {
		return err
	}
	objects, err := r.OpenVault(ctx, r.Dev)
	if err != nil {
		return err
	}
	defer objects.Close()
	mailer, err := mail.New(r.Mail)
	if err != nil {
		return err
	}
	hooks, err := hook.New(r.Hook)
	if err != nil {
		return err
	}
	own, err := store.Open(r.DatabaseURL, r.Concurrency+r.DaysAtOnce+shortActivities)
	if err != nil {
		return err
	}
	defer own.Close() //nolint:errcheck // the process ends
	platform, err := source.Open(ctx, r.SourceURL(), r.Concurrency+r.DaysAtOnce+shortActivities)
	if err != nil {
		return err
	}
	defer platform.Close() //nolint:errcheck // the process ends

	archive, closeArchive, err := openArchive(r.ArchiveDatabaseURL, queries, 2)
	if err != nil {
		return err
	}
	defer closeArchive()

	metrics := newMetrics()
	ready := program.NewReadiness(logger, map[string]program.Check{
		program.CheckDatabase: own.Ready, program.CheckSourceDatabase: platform.Ping,
		program.CheckStorage: objects.Check, program.CheckTemporal: program.NotConnected,
	})
	serving, ctx := errgroup.WithContext(ctx)
	serving.Go(func() error { return serveOps(ctx, r.MetricsAddress, metrics, ready) })
	serving.Go(func() error {
		temporal, err := dial(ctx, logger)
		if err != nil {
			return err
		}
		defer temporal.Close()
		ready.Set(program.CheckTemporal, program.TemporalCheck(temporal))
		records, runs, links := source.NewPlatform(platform, queries), runsAdapter{temporal}, schema.NewLinks(linkKey)
		return r.work(ctx, temporal, metrics, logger, own, &activitySet{
			exports: &accountexport.Activities{Store: own.AccountExports(), Source: records, Vault: objects, Runs: runs, Count: metrics},
			bulk: &bulkexport.Activities{
				Store: own.BulkExports(), Source: records, Vault: objects, Archive: archive, Secrets: objects, Hooks: hooks,
				Runs: runs, Schedules: schedulesAdapter{temporal, r.DailyDelay, r.limits()}, Count: metrics, Grace: r.SweepGrace,
			},
			emails: &activities.EmailActivities{Ledger: own, Mail: mailer, Count: metrics, Composers: []activities.EmailComposer{
				&accountexport.EmailComposer{Store: own.AccountExports(), Directory: records, Links: links, Site: site},
				&bulkexport.EmailComposer{Store: own.BulkExports(), Directory: records, Links: links, Site: site},
			}},
		})
	})
	return serving.Wait()
}

// activitySet holds the activities that a worker registers.
type activitySet struct {
	exports *accountexport.Activities
	bulk    *bulkexport.Activities
	emails  *activities.EmailActivities
}

func (s *activitySet) register(r sdk.ActivityRegistry) {
	r.RegisterActivity(s.exports)
	r.RegisterActivity(s.bulk)
	r.RegisterActivity(s.emails)
}

const (
	// shortActivities is how many short activities run at once, besides those of the other
	// queues. Webhooks use the databases only briefly, and share their connections.
	shortActivities = 16
	// cachedRuns bounds the memory of workflow runs that wait for a signal or a timer. A run
	// that is not in the cache is replayed when an event arrives.
	cachedRuns = 1000
)

// work polls the task queues until ctx ends, then lets running activities continue
// for the grace.
func (r runCommand) work(ctx context.Context, c client.Client, metrics *metrics, logger *slog.Logger, own *store.DB, set *activitySet) error {
	sdk.SetStickyWorkflowCacheSize(cachedRuns)
	working, ctx := errgroup.WithContext(ctx)
	interrupted := make(chan any)
	context.AfterFunc(ctx, func() { close(interrupted) })
	for queue, atOnce := range map[string]int{
		workflows.TaskQueue: shortActivities, workflows.StreamQueue: r.Concurrency, workflows.DayQueue: r.DaysAtOnce, workflows.HookQueue: r.HooksAtOnce,
	} {
		w := sdk.New(c, queue, sdk.Options{
			MaxConcurrentActivityExecutionSize: atOnce,
			WorkerStopTimeout:                  r.StopGrace,
			MaxHeartbeatThrottleInterval:       3 * time.Second, // several heartbeats within one heartbeat timeout
			DisableWorkflowWorker:              queue != workflows.TaskQueue,
			DisableRegistrationAliasing:        true,
			Interceptors:                       []interceptor.WorkerInterceptor{metrics.interceptor()},
		})
		if queue == workflows.TaskQueue {
			registry.RegisterWorkflows(w)
		}
		set.register(w)
		working.Go(func() error { return w.Run(interrupted) })
	}
	working.Go(func() error {
		return retry(ctx, logger, "scheduling the sweeps", func() error {
			return errors.Join(
				workflowclient.ScheduleAccountExportSweep(ctx, c, r.SweepEvery, exportworkflows.SweepInput{Grace: r.SweepGrace}),
				workflowclient.ScheduleBulkExportSweep(ctx, c, r.SweepEvery, bulkworkflows.SweepInput{Grace: r.SweepGrace, Limits: r.limits()}))
		})
	})
	working.Go(func() error {
		return retry(ctx, logger, "scheduling daily exports", func() error { return scheduleDaily(ctx, own.BulkExports(), set.bulk.Schedules) })
	})
	return working.Wait()
}

// scheduleDaily creates or updates the schedule of every daily export, so that daily
// exports continue after Temporal's data was lost and follow changed settings.
func scheduleDaily(ctx context.Context, own *store.BulkExports, schedules bulkexport.Schedules) error {
	const page = 100
	for last := (schema.BulkConfiguration{}); ; {
		enabled, err := own.EnabledConfigurations(ctx, last, page)
		if err != nil || len(enabled) == 0 {
			return err
		}
		for _, last = range enabled {
			if err := schedules.SetDaily(ctx, last.Account, last.Type, true); err != nil {
				return err
			}
			now, err := own.Configuration(ctx, last.Account, last.Type)
			if err == nil && !now.Enabled { // it was disabled meanwhile
				err = schedules.SetDaily(ctx, last.Account, last.Type, false)
			}
			if err != nil {
				return err
			}
		}
	}
}

// limits are the limits of bulk exports that start from now on.
func (r runCommand) limits() schema.BulkLimits {
	return schema.BulkLimits{Retention: r.DayRetention, RetryWindow: r.DayRetryWindow}.WithDefaults()
}

// dial connects to Temporal, which may start later than this worker.
func dial(ctx context.Context, logger *slog.Logger) (c client.Client, err error) {
	options, err := workflowclient.Options(logger)
	if err != nil {
		return nil, err
	}
	err = retry(ctx, logger, "connecting to Temporal", func() (err error) {
		c, err = client.DialContext(ctx, options)
		return err
	})
	return c, err
}

// retry tries until it succeeds, with growing pauses, or until ctx ends.
func retry(ctx context.Context, logger *slog.Logger, what string, attempt func() error) error {
	for pause := time.Second; ; pause = min(2*pause, 15*time.Second) {
		err := attempt()
		if err == nil {
			return nil
		}
		if ctx.Err() == nil {
			logger.Warn(what+" failed, will retry", "err", err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, ctx.Err())
		}
	}
}
