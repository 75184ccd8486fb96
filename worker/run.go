package main

import (
	"context"
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
	program.LimitMemory(logger)
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
	own, err := store.Open(r.DatabaseURL, r.databaseConns())
	if err != nil {
		return err
	}
	defer own.Close() //nolint:errcheck // the process ends
	platform, err := source.Open(ctx, r.SourceURL(), r.databaseConns())
	if err != nil {
		return err
	}
	defer platform.Close() //nolint:errcheck // the process ends
	platform.SetLimits(source.Limits{RecordBytes: r.MaxRecordBytes, Stall: r.SourceStallLimit})
	if err := program.CheckSessions(ctx, own, platform); err != nil {
		return err
	}

	archive, closeArchive, err := openArchive(ctx, r.ArchiveDatabaseURL, queries, r.ErasuresAtOnce)
	if err != nil {
		return err
	}
	defer closeArchive()

	options, err := workflowclient.Options(logger)
	if err != nil {
		return err
	}
	temporal, err := client.NewLazyClient(options)
	if err != nil {
		return fmt.Errorf("prepare to reach Temporal: %w", err)
	}
	defer temporal.Close()

	var erasable program.Readier
	if opened, ok := archive.(*source.Archive); ok {
		erasable = opened
	}
	metrics, links, records := newMetrics(), schema.NewLinks(linkKey), source.NewPlatform(platform, queries)
	records.DayGrace, records.IgnoreReplay = r.DayGrace, !r.DayReplay
	ready := program.NewReadiness(logger, program.Needs{
		Store: own, SourceDB: platform, Source: records, Catalog: queries, Vault: objects, Links: links,
		CheckNamespace: workflowclient.CheckNamespace(temporal, options.Namespace), CheckSearchAttributes: workflowclient.CheckSearchAttributes(temporal, options.Namespace),
		Bulk: r.HasBulk(queries), RunsExports: true, Archive: erasable, Mail: mailer,
	}.Checks())
	serving, ctx := errgroup.WithContext(ctx)
	serving.Go(func() error { return serveOps(ctx, r.MetricsAddress, r.HealthAddress, metrics, ready) })
	serving.Go(func() error { ready.Watch(ctx); return nil })
	serving.Go(func() error {
		if err := ready.AwaitStart(ctx); err != nil {
			return err
		}
		runs := runsAdapter{temporal}
		return r.work(ctx, temporal, metrics, logger, own, &activitySet{
			exports: &accountexport.Activities{Store: own.AccountExports(), Source: records, Vault: objects, Runs: runs, Count: metrics, Retention: r.Retention()},
			bulk: &bulkexport.Activities{
				Store: own.BulkExports(), Source: records, Vault: objects, Archive: archive, Secrets: objects, Hooks: hooks,
				Runs: runs, Schedules: schedulesAdapter{temporal, r.DailyDelay, r.limits()}, Count: metrics, Grace: r.SweepGrace,
				Off: !r.HasBulk(queries), HooksPerAccount: r.HooksPerAccount,
			},
			emails: &activities.EmailActivities{Ledger: own, Mail: mailer, Count: metrics, Brand: mail.Brand{Name: r.BrandName, Support: r.SupportContact}, Composers: []activities.EmailComposer{
				&accountexport.EmailComposer{Store: own.AccountExports(), Directory: records, Links: links, Site: site},
				&bulkexport.EmailComposer{Store: own.BulkExports(), Directory: records, Links: links, Site: site},
			}},
		})
	})
	return serving.Wait()
}

// slots are how many activities of each task queue run at once.
func (r runCommand) slots() map[string]int {
	return map[string]int{
		workflows.TaskQueue: r.StepsAtOnce, workflows.StreamQueue: r.Concurrency, workflows.DayQueue: r.DaysAtOnce,
		workflows.EmailQueue: r.EmailsAtOnce, workflows.RemovalQueue: r.RemovalsAtOnce, workflows.ArchiveQueue: r.ErasuresAtOnce,
		workflows.HookQueue: r.HooksAtOnce,
	}
}

// databaseConns is how many connections to each database there may be. E-mails,
// removals, erasures and webhooks use the databases only briefly, and share those of the
// steps.
func (r runCommand) databaseConns() int { return r.Concurrency + r.DaysAtOnce + r.StepsAtOnce }

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
	for queue, atOnce := range r.slots() {
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
		working.Go(func() error {
			if queue == workflows.DayQueue { // a restored database must learn of erasures before it makes files
				err := retry(ctx, logger, "replaying erasures", func() error { return replayErasures(ctx, logger, set.bulk) })
				if ctx.Err() != nil {
					return nil //nolint:nilerr // the worker stops before storage answered
				}
				if err != nil {
					return err
				}
			}
			return w.Run(interrupted)
		})
	}
	working.Go(func() error {
		return retry(ctx, logger, "scheduling the sweeps", func() error {
			return workflowclient.ScheduleSweeps(ctx, c, r.SweepEvery,
				exportworkflows.SweepInput{Grace: r.SweepGrace}, bulkworkflows.SweepInput{Grace: r.SweepGrace, Limits: r.limits()})
		})
	})
	working.Go(func() error {
		return retry(ctx, logger, "scheduling daily exports", func() error {
			return scheduleDaily(ctx, own.BulkExports(), schedulesAdapter{c, r.DailyDelay, r.limits()}, set.bulk.Off)
		})
	})
	return working.Wait()
}

// Retention is how long rows of what is over are kept.
func (h history) Retention() schema.HistoryRetention {
	return schema.HistoryRetention{History: h.HistoryRetention, Audit: h.AuditRetention}
}

// replayErasures records erasures that the database does not have. Only those that
// cannot be read now are worth a retry: others stay unreadable, and every sweep fails
// until they are mended.
func replayErasures(ctx context.Context, logger *slog.Logger, bulk *bulkexport.Activities) error {
	added, err := bulkexport.LoadErasures(ctx, bulk)
	if added > 0 {
		logger.Warn("erasures were replayed from storage: the database did not know them", "calls", added)
	}
	if err != nil && schema.KindOf(err) != schema.Unavailable && ctx.Err() == nil {
		logger.Error("erasures cannot be read from storage", "err", err)
		return nil
	}
	return err
}

// limits are the limits of bulk exports that start from now on.
func (r runCommand) limits() schema.BulkLimits {
	return schema.BulkLimits{Retention: r.DayRetention, RetryWindow: r.DayRetryWindow}.WithDefaults()
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
