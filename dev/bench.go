package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"satchel/dev/bench"
	"satchel/dev/services"
	"satchel/dev/tools"
)

// benchmark measures speed, memory and cost.
type benchmark struct {
	Quick    bool     `help:"Smaller accounts and fewer runs: under three minutes in all."`
	Sizes    []int64  `placeholder:"ROWS" help:"Sizes of the accounts that are exported, such as 1000,100000. They need about two gigabytes of disk for a million rows."`
	Runs     int      `placeholder:"N" help:"Runs of each measurement, after a warm-up run; the median counts. 3 where not given."`
	Workers  []int    `placeholder:"N" help:"Numbers of worker processes to measure. 1,2,4 where not given, or with --quick 2,4."`
	InFlight int      `placeholder:"N" help:"Small exports that run at once. 50 where not given."`
	Exports  int      `placeholder:"N" help:"Small exports in one run."`
	Messages int64    `placeholder:"N" help:"Messages of the bulk job."`
	Days     int      `placeholder:"N" help:"Days of the bulk job. 60 where not given."`
	Only     []string `placeholder:"PART" help:"Measure these parts only: stages, small, throughput, workers, sizes, bulk. The pages omit the others."`
	Dir      string   `default:".dev/bench" type:"path" help:"Where the stack keeps its data. Emptied before and after."`
	Out      string   `placeholder:"DIR" type:"path" help:"Where to write benchmarks.md, scale.md and the plots. docs where not given, or with --quick .dev/benchmarks, so that quick results never replace thorough ones."`
}

// Run runs `dev bench`. It prints the table to stdout and progress to stderr.
func (b benchmark) Run(ctx context.Context) error {
	began := time.Now()
	progress := func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "%7s  "+format+"\n", append([]any{time.Since(began).Round(time.Second)}, args...)...)
	}
	root, err := services.Root()
	if err != nil {
		return err
	}
	if err := tools.Provide(ctx, progress, tools.Postgres); err != nil {
		return err
	}
	if err := tools.Install(ctx, filepath.Join(root, ".dev", "bin"), tools.Stack, progress); err != nil {
		return err
	}
	report, err := bench.Run(ctx, bench.Options{
		Dir: b.Dir, Quick: b.Quick, Sizes: b.Sizes, Runs: b.Runs, Workers: b.Workers, InFlight: b.InFlight, Exports: b.Exports,
		Messages: b.Messages, Days: b.Days, Only: b.Only, Say: progress,
	})
	if err != nil {
		return err
	}
	if err := report.Print(os.Stdout); err != nil {
		return err
	}
	out := filepath.Join(root, "docs")
	if b.Quick {
		out = filepath.Join(root, ".dev", "benchmarks")
	}
	out = cmp.Or(b.Out, out)
	if err := report.Write(out); err != nil {
		return err
	}
	progress("The pages are in %s.", out)
	return nil
}
