package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	sdk "go.temporal.io/sdk/worker"
	"golang.org/x/sync/errgroup"

	"satchel/activities"
	"satchel/activities/mail"
	"satchel/activities/vault"
	"satchel/schema"
	"satchel/schema/catalog"
	"satchel/schema/store"
	"satchel/schema/store/source"
	"satchel/workflows"
)

// Run plugs everything together and works until ctx ends.
func (r runCommand) Run(ctx context.Context, logger *slog.Logger) error {
	linkKey, development, err := schema.ParseLinkKey(r.LinkKey)
	if err != nil {
		return err
	}
	if development && !r.Dev {
		return errors.New("LINK_KEY was made for one machine; make one with: openssl rand -hex 32")
	}
	site, err := schema.ParseSite(r.Site)
	if err != nil {
		return err
	}
	queries, err := loadCatalog(r.Catalog)
	if err != nil {
		return err
	}
	sealed, err := vault.Open(ctx, r.Vault)
	if err != nil {
		return err
	}
	defer sealed.Close()
	if sealed.KeyIsForDevelopment() && !r.Dev {
		return errors.New("KEYSET_FILE was made for one machine; make one with: worker keyset FILE")
	}
	mailer, err := mail.New(r.Mail)
	if err != nil {
		return err
	}
	own, err := store.Open(r.DatabaseURL, r.Concurrency)
	if err != nil {
		return err
	}
	defer own.Close() //nolint:errcheck // the process ends
	platform, err := source.Open(ctx, cmp.Or(r.Source, r.DatabaseURL), r.Concurrency)
	if err != nil {
		return err
	}
	defer platform.Close() //nolint:errcheck // the process ends

	numbers := newNumbers()
	ready := &readiness{parts: []part{
		{"database", own.Ready},
		{"source database", platform.Ping},
		{"object storage", sealed.Check},
	}}
	serving, ctx := errgroup.WithContext(ctx)
	serving.Go(func() error { return serveOps(ctx, r.Metrics, numbers, ready) })
	serving.Go(func() error {
		temporal, err := dial(ctx, logger)
		if err != nil {
			return err
		}
		defer temporal.Close()
		ready.add(part{"Temporal", func(ctx context.Context) error {
			_, err := temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
			return err
		}})
		return work(ctx, temporal, r, numbers, &activities.Activities{
			Store: own, Source: newSourcePort(platform, queries), Vault: vaultPort{sealed}, Mail: mailer, Runs: runsPort{temporal},
			Links: schema.NewLinks(linkKey), Site: site, Count: numbers,
		})
	})
	return serving.Wait()
}

// work polls the task queue until ctx ends, then lets running activities go
// on for the grace.
func work(ctx context.Context, c client.Client, r runCommand, numbers *numbers, hands *activities.Activities) error {
	w := sdk.New(c, workflows.TaskQueue, sdk.Options{
		MaxConcurrentActivityExecutionSize: r.Concurrency,
		WorkerStopTimeout:                  r.Grace,
		MaxHeartbeatThrottleInterval:       3 * time.Second, // several beats within one heartbeat timeout
		DisableRegistrationAliasing:        true,
		Interceptors:                       []interceptor.WorkerInterceptor{numbers.interceptor()},
	})
	workflows.Register(w)
	w.RegisterActivity(hands)
	if err := workflows.ScheduleSweep(ctx, c, r.SweepEvery, r.SweepGrace); err != nil {
		return err
	}
	interrupted := make(chan any)
	context.AfterFunc(ctx, func() { close(interrupted) })
	return w.Run(interrupted)
}

// dial waits for Temporal, which may come up after us.
func dial(ctx context.Context, logger *slog.Logger) (client.Client, error) {
	options, err := workflows.ClientOptions(logger)
	if err != nil {
		return nil, err
	}
	for pause := time.Second; ; pause = min(2*pause, 15*time.Second) {
		c, err := client.DialContext(ctx, options)
		if err == nil {
			return c, nil
		}
		logger.Warn("waiting for Temporal", "address", options.HostPort, "err", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for Temporal: %w", ctx.Err())
		}
	}
}

func loadCatalog(dir string) (*catalog.Catalog, error) {
	if dir == "" {
		return catalog.Embedded()
	}
	return catalog.Load(dir)
}
