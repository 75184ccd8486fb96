// Command worker runs Satchel's workflows and activities.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"satchel/activities/program"
	"satchel/activities/vault"
	"satchel/schema/migrations"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := start(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "worker: "+err.Error())
		os.Exit(1)
	}
}

// start does what the arguments and the environment say, until it is done or
// ctx ends. Logs go to stdout as JSON lines.
func start(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var c config
	parser, err := kong.New(&c,
		kong.Name("worker"), kong.Description("Runs Satchel's workflows: exports are collected, assembled, mailed and removed here."),
		kong.Writers(stdout, stderr), kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		return err
	}
	command, err := parser.Parse(args)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewJSONHandler(stdout, &slog.HandlerOptions{Level: c.LogLevel}))
	command.BindTo(ctx, (*context.Context)(nil))
	return command.Run(logger)
}

// Validate returns an error that names an invalid setting; kong calls it before Run.
func (r runCommand) Validate() error {
	switch {
	case r.Concurrency < 1, r.DaysAtOnce < 1, r.HooksAtOnce < 1: // the SDK would take none for a thousand
		return errors.New("CONCURRENCY, DAYS_AT_ONCE and HOOKS_AT_ONCE must be at least 1")
	case r.DailyDelay < 0, r.DailyDelay >= 24*time.Hour: // Temporal would refuse every schedule
		return errors.New("DAILY_DELAY must be less than a day, and not negative")
	case r.SweepEvery < time.Second, r.SweepGrace < time.Second:
		return errors.New("SWEEP_EVERY and SWEEP_GRACE must be at least a second")
	}
	return errors.Join(r.Check(), program.CheckStopGrace(r.StopGrace))
}

// Run applies the migrations.
func (m migrateCommand) Run(ctx context.Context, logger *slog.Logger) error {
	sets := []migrations.Set{migrations.Satchel}
	if m.Platform {
		sets = append(sets, migrations.Platform)
	}
	if err := migrations.Apply(ctx, m.DatabaseURL, sets...); err != nil {
		return err
	}
	logger.Info("database is up to date", "sets", sets)
	return nil
}

// Run writes the keyset.
func (k keysetCommand) Run() error {
	if k.Dev {
		return vault.WriteDevelopmentKeyset(k.File)
	}
	return vault.WriteKeyset(k.File)
}
