package bench

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"satchel/dev/demo"
)

// Throughput is the number of small exports per minute, and of runs of a workflow of
// the same shape that does nothing.
type Throughput struct {
	Exports, InFlight int
	Ours, Bare        []float64 // per minute
}

// Ratio is the rate of exports divided by that of bare workflows.
func (t Throughput) Ratio() float64 { return median(t.Ours) / median(t.Bare) }

// measureThroughput runs exports and bare workflows in turn.
func (b *bench) measureThroughput(ctx context.Context) error {
	accounts, err := b.newAccounts(ctx, b.Exports)
	if err != nil {
		return err
	}
	bare, err := b.startBare()
	if err != nil {
		return err
	}
	defer bare.stop()
	runs, warmUps := b.Runs, 1
	if b.Quick { // other exports have warmed up the stack
		runs, warmUps = 1, 0
	}
	b.say("Making %d small exports with %d in flight, and as many bare workflows, %d times.", b.Exports, b.InFlight, runs)
	found := Throughput{Exports: b.Exports, InFlight: b.InFlight}
	for i := range runs + warmUps {
		made, took, err := b.exportAll(ctx, accounts)
		if err != nil {
			return err
		}
		if err := b.removeAll(ctx, accounts, made); err != nil {
			return err
		}
		bareTook, err := bare.run(ctx, b.Exports, b.InFlight)
		if err != nil {
			return err
		}
		ours, others := perMinute(b.Exports, took), perMinute(b.Exports, bareTook)
		if i >= warmUps {
			found.Ours, found.Bare = append(found.Ours, ours), append(found.Bare, others)
		}
		b.say("  %.0f exports a minute, %.0f bare workflows", ours, others)
	}
	b.report.Throughput = found
	return nil
}

func perMinute(n int, took time.Duration) float64 { return float64(n) / took.Minutes() }

// newAccounts creates n accounts with a few rows in each category.
func (b *bench) newAccounts(ctx context.Context, n int) ([]*account, error) {
	accounts := make([]*account, n)
	making, ctx := errgroup.WithContext(ctx)
	making.SetLimit(4)
	for i := range accounts {
		making.Go(func() (err error) {
			accounts[i], err = b.newAccount(ctx, demo.With{Name: "One of many", Records: true})
			return err
		})
	}
	return accounts, making.Wait()
}

// exportAll exports each account, InFlight at a time, and returns the time from the
// first request to the last completion.
func (b *bench) exportAll(ctx context.Context, accounts []*account) ([]export, time.Duration, error) {
	made := make([]export, len(accounts))
	making, ctx := errgroup.WithContext(ctx)
	making.SetLimit(b.InFlight)
	began := time.Now()
	for i, a := range accounts {
		making.Go(func() (err error) {
			made[i], err = a.makeExport(ctx, 200*time.Millisecond)
			return err
		})
	}
	if err := making.Wait(); err != nil {
		return nil, 0, err
	}
	ended := began
	for i, e := range made {
		if e.records() == 0 {
			return nil, 0, fmt.Errorf("export %s of %s has no records", e.ID, accounts[i].AccountSID)
		}
		if e.CompletedAt.After(ended) {
			ended = *e.CompletedAt
		}
	}
	return made, ended.Sub(began), nil
}

func (b *bench) removeAll(ctx context.Context, accounts []*account, made []export) error {
	removing, ctx := errgroup.WithContext(ctx)
	removing.SetLimit(b.InFlight)
	for i, a := range accounts {
		removing.Go(func() error { return a.remove(ctx, made[i]) })
	}
	return removing.Wait()
}
