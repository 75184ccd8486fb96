package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"golang.org/x/sync/errgroup"

	"satchel/schema"
)

// bareQueue is the task queue of the bare workflow; the worker does not poll it.
const bareQueue = "bare"

// bare runs a workflow with the shape of an export that does nothing. Its rate is the
// most that Temporal allows.
type bare struct {
	client client.Client
	worker sdk.Worker
}

func (b *bench) startBare() (*bare, error) {
	w := sdk.New(b.temporal, bareQueue, sdk.Options{})
	w.RegisterWorkflow(Bare)
	w.RegisterActivity(Nothing)
	if err := w.Start(); err != nil {
		return nil, fmt.Errorf("start the worker of bare workflows: %w", err)
	}
	return &bare{b.temporal, w}, nil
}

func (b *bare) stop() { b.worker.Stop() }

// Bare runs an activity, waits for a signal, runs an activity per category in
// parallel, and two more.
func Bare(ctx workflow.Context) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	if err := workflow.ExecuteActivity(ctx, Nothing).Get(ctx, nil); err != nil {
		return err
	}
	workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
	var all []workflow.Future
	for range schema.Categories {
		all = append(all, workflow.ExecuteActivity(ctx, Nothing))
	}
	for _, one := range all {
		if err := one.Get(ctx, nil); err != nil {
			return err
		}
	}
	for range 2 {
		if err := workflow.ExecuteActivity(ctx, Nothing).Get(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

// Nothing is an activity that does nothing.
func Nothing(context.Context) error { return nil }

// run executes runs of Bare, inFlight at a time, and returns how long they took.
func (b *bare) run(ctx context.Context, runs, inFlight int) (time.Duration, error) {
	running, ctx := errgroup.WithContext(ctx)
	running.SetLimit(inFlight)
	began := time.Now()
	for range runs {
		running.Go(func() error {
			run, err := b.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "bare/" + uuid.NewString(), TaskQueue: bareQueue}, Bare)
			if err != nil {
				return err
			}
			if err := b.client.SignalWorkflow(ctx, run.GetID(), "", "go", nil); err != nil {
				return err
			}
			return run.Get(ctx, nil)
		})
	}
	err := running.Wait()
	return time.Since(began), err
}
