package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"

	"satchel/dev/services"
	"satchel/schema"
	"satchel/workflows"
)

// latencies is the number of small exports that are timed one by one.
const latencies = 9

// Small is the duration and the cost of a small export.
type Small struct {
	Took []time.Duration
	Cost Cost
}

// Cost is what one export uses.
type Cost struct {
	Rows, Text  int64 // Text is bytes of JSON
	Actions     Actions
	Requests    map[string]int // to S3, from the request to the removal
	Stored      int64          // bytes in the bucket until it is removed
	Objects     int
	Database    time.Duration // CPU time of Postgres
	Worker      time.Duration // CPU time of the worker
	Connections time.Duration // total time that connections to the source were held
	Took        time.Duration
}

// measureSmall exports a small account repeatedly on an idle stack, and then once
// with its cost counted.
func (b *bench) measureSmall(ctx context.Context) (err error) {
	b.say("Exporting an account of %s rows, %d times.", grouped(smallRows), latencies)
	for i := range latencies + 1 {
		e, err := b.small.makeExport(ctx, 25*time.Millisecond)
		if err != nil {
			return err
		}
		if err := b.small.remove(ctx, e); err != nil {
			return err
		}
		if i > 0 { // the first is a warm-up
			b.report.Small.Took = append(b.report.Small.Took, e.took())
		}
	}
	b.say("Counting what a small export costs.")
	b.report.Small.Cost, err = b.countedCost(ctx, b.small)
	return err
}

// countedCost replaces the stack's worker by one whose calls are counted, and returns
// the cost of one export.
func (b *bench) countedCost(ctx context.Context, a *account) (cost Cost, err error) {
	c, err := b.newCounter()
	if err != nil {
		return cost, err
	}
	defer c.stop()
	if err := b.Worker.Stop(); err != nil {
		return cost, err
	}
	defer func() {
		err = errors.Join(err, c.server.Stop(), c.worker.Stop())
		if err == nil {
			err = b.Worker.Start(ctx)
		}
	}()
	for _, service := range []*services.Service{c.worker, c.server} {
		if err := service.Start(ctx); err != nil {
			return cost, err
		}
	}
	// The first export after the start of a worker costs more.
	first, err := b.small.makeExport(ctx, 100*time.Millisecond)
	if err != nil {
		return cost, err
	}
	if err := b.small.remove(ctx, first); err != nil {
		return cost, err
	}
	counted := *a
	counted.base = c.base
	return b.cost(ctx, &counted, c)
}

// cost makes an export, waits until it has expired and is removed, and returns
// what it used.
func (b *bench) cost(ctx context.Context, a *account, c *counter) (cost Cost, err error) {
	c.take()
	database, err := cpuTime(b.Postgres.PID())
	if err != nil {
		return cost, err
	}
	worker, err := cpuTime(c.worker.PID())
	if err != nil {
		return cost, err
	}
	e, err := a.makeExport(ctx, 100*time.Millisecond)
	if err != nil {
		return cost, err
	}
	cost.Rows, cost.Text, cost.Took = e.records(), *e.Size, e.took()
	if cost.Objects, cost.Stored, err = b.stored(ctx, schema.ExportPrefix(e.ID)); err != nil {
		return cost, err
	}
	if err := a.awaitRemoved(ctx, e); err != nil {
		return cost, err
	}
	if cost.Database, err = cpuTimeSince(database, b.Postgres.PID()); err != nil {
		return cost, err
	}
	if cost.Worker, err = cpuTimeSince(worker, c.worker.PID()); err != nil {
		return cost, err
	}
	runs, err := b.histories(ctx, workflows.AccountExportID(a.AccountSID), "")
	if err != nil {
		return cost, err
	}
	cost.Actions, cost.Requests = Actions{}, c.take()
	cost.Actions[heartbeats] = cost.Requests[heartbeats]
	delete(cost.Requests, heartbeats)
	for _, events := range runs {
		for what, n := range billable(events) {
			cost.Actions[what] += n
		}
		cost.Connections += readTime(events)
	}
	maps.DeleteFunc(cost.Actions, func(_ string, n int) bool { return n == 0 })
	return cost, nil
}

// cpuTimeSince returns the CPU time that a process has used since before was measured.
func cpuTimeSince(before time.Duration, pid int) (time.Duration, error) {
	now, err := cpuTime(pid)
	return now - before, err
}

// readTime returns the total time of all CollectCategory activities: each holds a
// connection.
func readTime(events []*historypb.HistoryEvent) (total time.Duration) {
	collectors, began := map[int64]bool{}, map[int64]time.Time{}
	for _, event := range events {
		switch event.GetEventType() {
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
			collectors[event.GetEventId()] = event.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName() == "CollectCategory"
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED:
			began[event.GetActivityTaskStartedEventAttributes().GetScheduledEventId()] = event.GetEventTime().AsTime()
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
			if id := event.GetActivityTaskCompletedEventAttributes().GetScheduledEventId(); collectors[id] {
				total += event.GetEventTime().AsTime().Sub(began[id])
			}
		}
	}
	return total
}

// stored returns the number and size of the objects under a prefix.
func (b *bench) stored(ctx context.Context, prefix string) (objects int, bytes int64, err error) {
	pages := s3.NewListObjectsV2Paginator(b.S3.Client(), &s3.ListObjectsV2Input{Bucket: &b.Demo.S3.Bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, 0, fmt.Errorf("list what is stored: %w", err)
		}
		for _, object := range page.Contents {
			objects++
			bytes += *object.Size
		}
	}
	return objects, bytes, nil
}
