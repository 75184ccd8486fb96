// Command worker runs Satchel's workflows and activities.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"satchel/activities/program"
	"satchel/activities/vault"
	"satchel/schema"
	"satchel/schema/migrations"
	"satchel/schema/store"
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
		kong.Writers(stdout, stderr), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		return err
	}
	command, err := program.Parse(parser, args)
	if err != nil {
		return fmt.Errorf("%w (worker --help describes each setting and its variable)", err)
	}
	logger := slog.New(slog.NewJSONHandler(stdout, &slog.HandlerOptions{Level: c.LogLevel}))
	command.BindTo(ctx, (*context.Context)(nil))
	return command.Run(logger)
}

const (
	minRecordBytes = 64 << 10
	maxRecordBytes = 1<<30 - 1
)

// Validate returns an error that names an invalid setting; kong calls it before Run.
func (r runCommand) Validate() error {
	switch {
	case r.HooksPerAccount < 1:
		return errors.New("HOOKS_PER_ACCOUNT must be at least 1")
	case slices.Min(slices.Collect(maps.Values(r.slots()))) < 1: // the SDK would take none for a thousand
		return errors.New("CONCURRENCY, DAYS_AT_ONCE, STEPS_AT_ONCE, EMAILS_AT_ONCE, REMOVALS_AT_ONCE, ERASURES_AT_ONCE and HOOKS_AT_ONCE must be at least 1")
	case r.DailyDelay < 0, r.DailyDelay >= 24*time.Hour: // Temporal would refuse every schedule
		return errors.New("DAILY_DELAY must be less than a day, and not negative")
	case r.DayGrace < 0, r.DayGrace >= 24*time.Hour:
		return errors.New("DAY_GRACE must be less than a day, and not negative")
	case r.MaxRecordBytes < minRecordBytes || r.MaxRecordBytes > maxRecordBytes:
		return errors.New("MAX_RECORD_BYTES must be between 65536 and 1073741823: Postgres sends no larger value")
	case r.SourceStallLimit < 10*time.Second:
		return errors.New("SOURCE_STALL_LIMIT must be at least 10s")
	case r.SweepEvery < time.Second, r.SweepGrace < time.Second:
		return errors.New("SWEEP_EVERY and SWEEP_GRACE must be at least a second")
	}
	if r.HistoryRetention < schema.MinHistoryRetention {
		return fmt.Errorf("HISTORY_RETENTION must be at least %.0fh", schema.MinHistoryRetention.Hours())
	}
	if r.AuditRetention < schema.MinAuditRetention {
		return fmt.Errorf("AUDIT_RETENTION must be at least %.0fh, which is a year", schema.MinAuditRetention.Hours())
	}
	return errors.Join(r.Bulk.Check(), r.Brand.Check(), program.CheckStopGrace(r.StopGrace))
}

// Run applies the migrations.
func (m migrateCommand) Run(ctx context.Context, logger *slog.Logger) error {
	sets := []migrations.Set{migrations.Satchel}
	if m.Platform {
		sets = append(sets, migrations.Platform)
	}
	own, err := store.Open(m.DatabaseURL, 1)
	if err != nil {
		return err
	}
	defer own.Close() //nolint:errcheck // the process ends
	if err := program.CheckSessions(ctx, own); err != nil {
		return err
	}
	if err := migrations.Apply(ctx, m.DatabaseURL, sets...); err != nil {
		return err
	}
	logger.Info("database is up to date", "sets", sets)
	return nil
}

// Run erases, or counts what would be erased.
func (e eraseCommand) Run(ctx context.Context, logger *slog.Logger) error {
	own, err := store.Open(e.DatabaseURL, 1)
	if err != nil {
		return err
	}
	defer own.Close() //nolint:errcheck // the process ends
	erase, id := own.EraseAccount, e.Account
	if e.User != "" {
		erase, id = own.ErasePerson, e.User
	}
	rows, err := erase(ctx, id, e.Yes)
	if err != nil {
		return err
	}
	message := "erased"
	if !e.Yes {
		message = "nothing was changed; with --yes these rows would be"
	}
	logger.Info(message, "account", e.Account, "user", e.User, "rows", rows)
	return nil
}

// Run writes the keyset.
func (k keysetCommand) Run() error {
	if k.Dev {
		return vault.WriteDevelopmentKeyset(k.File)
	}
	return vault.WriteKeyset(k.File)
}
