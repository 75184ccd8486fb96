package bench

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"satchel/dev/demo"
)

// Throughput is how many small exports are made in a minute, and how many runs
// of a bare workflow of their shape.
type Throughput struct {
	Exports, InFlight int
	Ours, Bare        []float64 // a minute
}

// Ratio is how many exports there are for one run of the bare workflow.
func (t Throughput) Ratio() float64 { return median(t.Ours) / median(t.Bare) }

// measureThroughput takes turns with the bare workflow.
func (b *bench) measureThroughput(ctx context.Context) error {
	crowd, err := b.newCrowd(ctx, b.Exports)
	if err != nil {
		return err
	}
	bare, err := b.startBare()
	if err != nil {
		return err
	}
	defer bare.stop()
	runs, idle := b.Runs, 1
	if b.Quick { // the stack is warm from other exports
		runs, idle = 1, 0
	}
	b.say("Making %d small exports with %d in flight, and as many bare workflows, %d times.", b.Exports, b.InFlight, runs)
	found := Throughput{Exports: b.Exports, InFlight: b.InFlight}
	for i := range runs + idle {
		made, took, err := b.together(ctx, crowd)
		if err != nil {
			return err
		}
		if err := b.forgetAll(ctx, crowd, made); err != nil {
			return err
		}
		barely, err := bare.run(ctx, b.Exports, b.InFlight)
		if err != nil {
			return err
		}
		ours, theirs := perMinute(b.Exports, took), perMinute(b.Exports, barely)
		if i >= idle { // the first of each warms up
			found.Ours, found.Bare = append(found.Ours, ours), append(found.Bare, theirs)
		}
		b.say("  %.0f exports a minute, %.0f bare workflows", ours, theirs)
	}
	b.report.Throughput = found
	return nil
}

func perMinute(n int, took time.Duration) float64 { return float64(n) / took.Minutes() }

// newCrowd is so many customers with a few rows in each category.
func (b *bench) newCrowd(ctx context.Context, n int) ([]*customer, error) {
	crowd := make([]*customer, n)
	making, ctx := errgroup.WithContext(ctx)
	making.SetLimit(4)
	for i := range crowd {
		making.Go(func() (err error) {
			crowd[i], err = b.newCustomer(ctx, demo.With{Name: "One of many", Records: true})
			return err
		})
	}
	return crowd, making.Wait()
}

// together makes an export of each customer, so many at once, and answers how
// long it took from the first request to the last completion.
func (b *bench) together(ctx context.Context, crowd []*customer) ([]export, time.Duration, error) {
	made := make([]export, len(crowd))
	making, ctx := errgroup.WithContext(ctx)
	making.SetLimit(b.InFlight)
	began := time.Now()
	for i, who := range crowd {
		making.Go(func() (err error) {
			made[i], err = who.makeExport(ctx, 200*time.Millisecond)
			return err
		})
	}
	if err := making.Wait(); err != nil {
		return nil, 0, err
	}
	ended := began
	for i, e := range made {
		if e.records() == 0 {
			return nil, 0, fmt.Errorf("export %s of %s has no records", e.ID, crowd[i].account.AccountSID)
		}
		if e.CompletedAt.After(ended) {
			ended = *e.CompletedAt
		}
	}
	return made, ended.Sub(began), nil
}

func (b *bench) forgetAll(ctx context.Context, crowd []*customer, made []export) error {
	forgetting, ctx := errgroup.WithContext(ctx)
	forgetting.SetLimit(b.InFlight)
	for i, who := range crowd {
		forgetting.Go(func() error { return who.forget(ctx, made[i]) })
	}
	return forgetting.Wait()
}
