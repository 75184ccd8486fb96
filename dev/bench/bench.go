package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"satchel/dev/demo"
	"satchel/dev/services"
	"satchel/dev/stack"
	"satchel/schema/catalog"
)

// Options configure what to measure.
type Options struct {
	Dir      string  // of the stack; emptied before and after the run
	Quick    bool    // sizes and counts that take under three minutes in all
	Sizes    []int64 // rows of the accounts that are exported, ascending
	Runs     int     // of each measurement, after a warm-up run
	Workers  []int   // numbers of worker processes, measured one after the other
	InFlight int     // small exports that run at once
	Exports  int     // small exports in a run of the throughput
	Shared   int     // small exports in a run of several worker processes
	Messages int64   // of the bulk job
	Days     int     // of the bulk job

	// Only lists the parts to measure; if empty, all.
	Only []string
	// Say reports progress. It may be nil.
	Say func(format string, args ...any)
}

// Parts are the values of Only.
var Parts = []string{"stages", "small", "throughput", "workers", "sizes", "bulk"}

// withDefaults returns the options with defaults for the fields that are zero.
func (o Options) withDefaults() Options {
	sizes, exports, shared, messages := []int64{1_000, 100_000, 1_000_000, 10_000_000}, 150, 100, int64(2_000_000)
	workers := []int{1, 2, 4}
	if o.Quick {
		sizes, exports, shared, messages = []int64{1_000, 20_000, 100_000}, 50, 10, 60_000
		workers = []int{2, 4}
	}
	if len(o.Sizes) == 0 {
		o.Sizes = sizes
	}
	slices.Sort(o.Sizes)
	if o.Exports == 0 {
		o.Exports = exports
	}
	if o.Shared == 0 {
		o.Shared = min(shared, o.Exports)
	}
	if o.Messages == 0 {
		o.Messages = messages
	}
	if len(o.Workers) == 0 {
		o.Workers = workers
	}
	if o.Runs == 0 {
		o.Runs = 3
	}
	if o.InFlight == 0 {
		o.InFlight = 50
	}
	if o.Days == 0 {
		o.Days = 60
	}
	return o
}

// bench is one run of all measurements.
type bench struct {
	Options
	*stack.Stack
	temporal client.Client
	queries  *catalog.Catalog
	mail     *mailWatcher
	small    *account // with smallRows rows
	bin      string   // directory of Postgres' programs
	report   *Report
}

// Run measures the selected parts. It stops its stack before it returns.
func Run(ctx context.Context, o Options) (*Report, error) {
	b := &bench{Options: o.withDefaults(), report: &Report{Quick: o.Quick, Began: time.Now().UTC()}}
	for _, part := range b.Only {
		if !slices.Contains(Parts, part) {
			return nil, fmt.Errorf("there is nothing called %q to measure; there are %v", part, Parts)
		}
	}
	if err := checkEmptiable(b.Dir); err != nil {
		return nil, err
	}
	if b.wants("stages") {
		if err := b.measureStages(ctx); err != nil {
			return nil, err
		}
	}
	err := b.measureOnStack(ctx)
	b.report.Took = time.Since(b.report.Began)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return b.report, err
}

// measureOnStack starts a new stack and measures the parts that need one.
func (b *bench) measureOnStack(ctx context.Context) (err error) {
	if err := stack.Clean(b.Dir); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(b.Dir, markerFile), nil, 0o600); err != nil {
		return err
	}
	if err := b.start(ctx); err != nil {
		return err
	}
	defer func() {
		b.say("Stopping the stack.")
		b.temporal.Close()
		b.mail.stop()
		err = errors.Join(err, b.Stop(), b.clean(err != nil && ctx.Err() == nil))
	}()
	if err := b.createSmall(ctx); err != nil {
		return err
	}
	for _, part := range []struct {
		name    string
		measure func(context.Context) error
	}{
		{"small", b.measureSmall}, {"throughput", b.measureThroughput}, {"workers", b.measureWorkers}, {"sizes", b.measureSizes}, {"bulk", b.measureBulk},
	} {
		if !b.wants(part.name) {
			continue
		}
		if err := part.measure(ctx); err != nil {
			return fmt.Errorf("measure %s: %w (the logs are in %s)", part.name, err, b.Logs())
		}
	}
	return nil
}

func (b *bench) wants(part string) bool { return len(b.Only) == 0 || slices.Contains(b.Only, part) }

func (b *bench) start(ctx context.Context) error {
	var err error
	if b.queries, err = catalog.Embedded(); err != nil {
		return err
	}
	if b.Stack, err = stack.Start(ctx, stack.Options{
		Dir: b.Dir, Say: b.Say,
		// An account can be exported again right after its export was deleted.
		Windows: stack.Windows{Cooldown: 100 * time.Millisecond},
		// All accounts use one address, and one requests the same days repeatedly.
		Env: []string{"RATE_LIMIT=100000", "QUOTA_DAYS=100000"},
	}); err != nil {
		return err
	}
	stopAfter := func(err error) error { return errors.Join(err, b.Stop()) }
	if b.bin, err = services.PostgresBin(filepath.Join(b.Dir, "postgres", "data")); err != nil {
		return stopAfter(err)
	}
	if b.temporal, err = client.DialContext(ctx, client.Options{HostPort: b.Demo.TemporalAddress, Identity: "bench", Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))}); err != nil {
		return stopAfter(fmt.Errorf("connect to Temporal: %w", err))
	}
	b.mail = watchMail(b.Mailbox)
	b.report.Machine = describeMachine(b.bin)
	return os.MkdirAll(b.scratch(), 0o755)
}

// markerFile marks a directory that a run of the benchmark has filled.
const markerFile = "bench"

// checkEmptiable creates the directory if it is missing. It returns an error if the
// directory has files that are not from a run of the benchmark.
func checkEmptiable(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	foreign := slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() != "bin" && e.Name() != "log" })
	if _, err := os.Stat(filepath.Join(dir, markerFile)); err != nil && foreign {
		return fmt.Errorf("%s is not empty, and everything in it would be removed: name another directory", dir)
	}
	return nil
}

// clean removes the data of the stack, and its logs unless they are to be kept.
func (b *bench) clean(keepLogs bool) error {
	if !keepLogs {
		return stack.Clean(b.Dir)
	}
	entries, err := os.ReadDir(b.Dir)
	for _, entry := range entries {
		if entry.Name() != "bin" && entry.Name() != "log" {
			err = errors.Join(err, os.RemoveAll(filepath.Join(b.Dir, entry.Name())))
		}
	}
	return err
}

// scratch returns the directory of the baseline's files.
func (b *bench) scratch() string { return filepath.Join(b.Dir, "baseline") }

func (b *bench) createSmall(ctx context.Context) (err error) {
	b.small, err = b.newAccount(ctx, demo.With{Name: "Small"})
	if err != nil {
		return err
	}
	return b.fill(ctx, b.small.AccountSID, smallRows)
}

func (b *bench) say(format string, args ...any) {
	if b.Say != nil {
		b.Say(format, args...)
	}
}

// smallRows is the number of rows of a small account.
const smallRows = 1_000
