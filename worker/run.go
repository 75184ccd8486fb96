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
	"satchel/activities/hook"
	"satchel/activities/mail"
	"satchel/activities/program"
	"satchel/schema"
	"satchel/schema/store"
	"satchel/schema/store/source"
	"satchel/workflows"
)

// Run plugs everything together and works until ctx ends.
func (r runCommand) Run(ctx context.Context, logger *slog.Logger) error {
	debug.SetGCPercent(r.GCPercent)
	site, linkKey, err := r.Links.Parse(r.Dev)
	if err != nil {
		return err
	}
	queries, err := r.Catalog()
	if err != nil {
		return err
	}
	sealed, err := r.OpenVault(ctx, r.Dev)
	if err != nil {
		return err
	}
	defer sealed.Close()
	mailer, err := mail.New(r.Mail)
	if err != nil {
		return err
	}
	hooks, err := hook.New(r.Hook)
	if err != nil {
		return err
	}
	own, err := store.Open(r.DatabaseURL, r.Concurrency+r.DaysAtOnce+quickAtOnce)
	if err != nil {
		return err
	}
	defer own.Close() //nolint:errcheck // the process ends
	platform, err := source.Open(ctx, r.SourceURL(), r.Concurrency+r.DaysAtOnce+quickAtOnce)
	if err != nil {
		return err
	}
	defer platform.Close() //nolint:errcheck // the process ends

	records := source.NewPlatform(platform, queries)
	archive, closeArchive, err := openArchive(r.ArchiveDatabaseURL, queries, 2)
	if err != nil {
		return err
	}
	defer closeArchive()

	numbers := newNumbers()
	ready := program.NewReadiness(logger, map[string]program.Check{
		program.CheckDatabase: own.Ready, program.CheckSourceDatabase: platform.Ping,
		program.CheckStorage: sealed.Check, program.CheckTemporal: program.NotConnected,
	})
	serving, ctx := errgroup.WithContext(ctx)
	serving.Go(func() error { return serveOps(ctx, r.MetricsAddress, numbers, ready) })
	serving.Go(func() error {
		temporal, err := dial(ctx, logger)
		if err != nil {
			return err
		}
		defer temporal.Close()
		ready.Set(program.CheckTemporal, program.TemporalCheck(temporal))
		return r.work(ctx, temporal, numbers, logger, own, &activities.Activities{
			Store: own.AccountExports(), Source: records, Vault: sealed, Mail: mailer, Runs: runsPort{temporal},
			Links: schema.NewLinks(linkKey), Site: site, Count: numbers, Grace: r.SweepGrace,
			Bulk: own.BulkExports(), Days: records, Archive: archive, Secrets: sealed, Hooks: hooks, Schedules: schedulesPort{temporal, r.DailyDelay, r.limits()},
		})
	})
	return serving.Wait()
}

const (
	// quickAtOnce is how many activities that take moments run beside the streams.
	// Webhooks use the databases for moments only, and share their connections.
	quickAtOnce = 16
	// cachedRuns bounds the memory of exports that wait for a person or a
	// deadline. One that is not in it is replayed when something happens to it.
	cachedRuns = 1000
)

// work polls the task queues until ctx ends, then lets running activities go
// on for the grace.
func (r runCommand) work(ctx context.Context, c client.Client, numbers *numbers, logger *slog.Logger, own *store.DB, hands *activities.Activities) error {
	sdk.SetStickyWorkflowCacheSize(cachedRuns)
	working, ctx := errgroup.WithContext(ctx)
	interrupted := make(chan any)
	context.AfterFunc(ctx, func() { close(interrupted) })
	for queue, atOnce := range map[string]int{
		workflows.TaskQueue: quickAtOnce, workflows.StreamQueue: r.Concurrency, workflows.DayQueue: r.DaysAtOnce, workflows.HookQueue: r.HooksAtOnce,
	} {
		w := sdk.New(c, queue, sdk.Options{
			MaxConcurrentActivityExecutionSize: atOnce,
			WorkerStopTimeout:                  r.StopGrace,
			MaxHeartbeatThrottleInterval:       3 * time.Second, // several beats within one heartbeat timeout
			DisableWorkflowWorker:              queue != workflows.TaskQueue,
			DisableRegistrationAliasing:        true,
			Interceptors:                       []interceptor.WorkerInterceptor{numbers.interceptor()},
		})
		if queue == workflows.TaskQueue {
			workflows.Register(w)
		}
		w.RegisterActivity(hands)
		working.Go(func() error { return w.Run(interrupted) })
	}
	working.Go(func() error {
		return persist(ctx, logger, "scheduling the sweep", func() error {
			return errors.Join(
				workflows.ScheduleSweep(ctx, c, r.SweepEvery, r.SweepGrace),
				workflows.ScheduleSweepBulk(ctx, c, r.SweepEvery, r.SweepGrace, r.limits()))
		})
	})
	working.Go(func() error {
		return persist(ctx, logger, "scheduling daily exports", func() error { return scheduleDaily(ctx, own.BulkExports(), hands.Schedules) })
	})
	return working.Wait()
}

// scheduleDaily makes every schedule that there should be as it should be: a
// Temporal that was lost, or settings that changed, must not end daily exports
// that customers count on.
func scheduleDaily(ctx context.Context, own *store.BulkExports, schedules activities.Schedules) error {
	const page = 100
	for last := (schema.BulkConfiguration{}); ; {
		wanted, err := own.Daily(ctx, last, page)
		if err != nil || len(wanted) == 0 {
			return err
		}
		for _, last = range wanted {
			if err := schedules.SetDaily(ctx, last.Account, last.Type, true); err != nil {
				return err
			}
			now, err := own.Configuration(ctx, last.Account, last.Type)
			if err == nil && !now.Enabled { // since this very moment
				err = schedules.SetDaily(ctx, last.Account, last.Type, false)
			}
			if err != nil {
				return err
			}
		}
	}
}

// limits are what bulk exports keep from when they began.
func (r runCommand) limits() schema.BulkLimits {
	return schema.BulkLimits{Retention: r.DayRetention, Patience: r.DayPatience}.Filled()
}

// dial waits for Temporal, which may come up after us.
func dial(ctx context.Context, logger *slog.Logger) (c client.Client, err error) {
	options, err := workflows.ClientOptions(logger)
	if err != nil {
		return nil, err
	}
	err = persist(ctx, logger, "connecting to Temporal", func() (err error) {
		c, err = client.DialContext(ctx, options)
		return err
	})
	return c, err
}

// persist tries until it works, ever more slowly, or until ctx ends.
func persist(ctx context.Context, logger *slog.Logger, what string, try func() error) error {
	for pause := time.Second; ; pause = min(2*pause, 15*time.Second) {
		err := try()
		if err == nil {
			return nil
		}
		if ctx.Err() == nil {
			logger.Warn(what+" does not succeed yet", "err", err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, ctx.Err())
		}
	}
}
