package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"

	"satchel/dev/services"
)

const (
	database  = "satchel"
	accessKey = "satchel"
)

// Stack is a running stack. Each service can be stopped, killed and restarted by
// itself.
type Stack struct {
	Postgres *services.Postgres
	Temporal *services.Temporal
	S3       *services.S3
	Mailbox  *Mailbox
	Worker   *services.Service
	Server   *services.Service

	// Demo has the addresses of the services, and the accounts.
	Demo Demo

	options Options
	secrets secrets
	bin     string // directory of worker and server
	locked  *os.File
	watch   sync.WaitGroup
	unwatch context.CancelFunc
}

// Start starts all services and returns when worker and server are ready and
// Dir/demo.json is written. If it fails, nothing is left running.
func Start(ctx context.Context, o Options) (*Stack, error) {
	s := &Stack{options: o, unwatch: func() {}}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Stack) start(ctx context.Context) error {
	if err := s.prepareDir(ctx); err != nil {
		return err
	}
	if err := s.newServices(); err != nil {
		return err
	}
	s.setAddresses()
	s.options.say("Starting Postgres, Temporal, S3 and the mailbox, building worker and server. The first build takes a minute or two.")
	if err := s.startServices(ctx); err != nil {
		return err
	}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	if err := s.loadDemo(ctx); err != nil {
		return err
	}
	s.options.say("Starting worker and server.")
	s.newPrograms()
	if err := inParallel(ctx, s.Worker.Start, s.Server.Start); err != nil {
		return err
	}
	return s.Demo.write(s.DemoFile())
}

// Stop stops all services, dependents before dependencies. Stopping twice is no
// error.
func (s *Stack) Stop() error {
	s.unwatch()
	s.watch.Wait()
	var errs []error
	for _, service := range []*services.Service{s.Server, s.Worker} {
		if service != nil {
			errs = append(errs, service.Stop())
		}
	}
	if s.Mailbox != nil {
		errs = append(errs, s.Mailbox.Stop())
		s.Mailbox = nil
	}
	if s.Temporal != nil {
		errs = append(errs, s.Temporal.Stop())
	}
	if s.S3 != nil {
		errs = append(errs, s.S3.Stop())
	}
	if s.Postgres != nil {
		errs = append(errs, s.Postgres.Stop())
	}
	if s.locked != nil {
		errs = append(errs, s.removeDemoFile(), s.locked.Close())
		s.locked = nil
	}
	return errors.Join(errs...)
}

// Logs returns the directory of all logs.
func (s *Stack) Logs() string { return filepath.Join(s.options.Dir, "log") }

// prepareDir locks the directory, resolves the ports and opens the secrets.
func (s *Stack) prepareDir(ctx context.Context) error {
	dir, err := filepath.Abs(s.options.Dir)
	if err != nil {
		return err
	}
	s.options.Dir = dir
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make %s: %w", dir, err)
	}
	if s.locked, err = lock(filepath.Join(dir, "lock")); err != nil {
		return err
	}
	if err := s.removeDemoFile(); err != nil { // of a stack that was killed
		return err
	}
	if err := s.options.Ports.resolve(ctx); err != nil {
		return err
	}
	s.secrets, err = openSecrets(filepath.Join(dir, "secrets"))
	return err
}

// newServices prepares Postgres, Temporal and S3.
func (s *Stack) newServices() error {
	o := &s.options
	var err error
	if s.Postgres, err = services.NewPostgres(services.PostgresOptions{
		Dir: filepath.Join(o.Dir, "postgres"), Log: o.log("postgres"), Port: o.Ports.Postgres, Password: s.secrets.postgres, Volatile: !o.Durable,
	}); err != nil {
		return err
	}
	ui := o.Ports.TemporalUI
	if !o.UI {
		ui = 0
	}
	if s.Temporal, err = services.NewTemporal(services.TemporalOptions{
		Log: o.log("temporal"), Port: o.Ports.Temporal, UIPort: ui, Database: filepath.Join(o.Dir, "temporal.db"),
	}); err != nil {
		return err
	}
	s.S3, err = services.NewS3(services.S3Options{
		Dir: filepath.Join(o.Dir, "s3"), Log: o.log("s3"), Port: o.Ports.S3, AccessKey: accessKey, SecretKey: s.secrets.s3,
	})
	return err
}

// startServices starts Postgres, Temporal, S3 and the mailbox, and builds worker
// and server meanwhile.
func (s *Stack) startServices(ctx context.Context) error {
	return inParallel(ctx,
		s.build,
		s.Temporal.Start,
		func(ctx context.Context) error {
			if err := s.Postgres.Start(ctx); err != nil {
				return err
			}
			return s.Postgres.EnsureDatabase(ctx, database)
		},
		func(ctx context.Context) error {
			if err := s.S3.Start(ctx); err != nil {
				return err
			}
			return s.S3.EnsureBucket(ctx, bucket)
		},
		func(context.Context) (err error) {
			s.Mailbox, err = startMailbox(filepath.Join(s.options.Dir, "mail.jsonl"), s.options.Ports.Mailbox)
			return err
		},
	)
}

func inParallel(ctx context.Context, tasks ...func(context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, task := range tasks {
		group.Go(func() error { return task(ctx) })
	}
	return group.Wait()
}
