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

// latencies is how many small exports there are in a measurement of one.
const latencies = 9

// Small is what a small export costs and how long it takes.
type Small struct {
	Took []time.Duration
	Cost Cost
}

// Cost is what one export costs.
type Cost struct {
	Rows, Text  int64 // Text is bytes of JSON
	Actions     Actions
	Requests    map[string]int // to S3, from the request to the removal
	Stored      int64          // bytes in the bucket while it can be downloaded
	Objects     int
	Database    time.Duration // of the processors, in Postgres
	Worker      time.Duration // of the processors, in the worker
	Connections time.Duration // during which connections to the source were held
	Took        time.Duration
}

// measureSmall exports a small account again and again on an idle stack, and
// then once with everything counted.
func (b *bench) measureSmall(ctx context.Context) (err error) {
	b.say("Exporting an account of %s rows, %d times.", grouped(smallRows), latencies)
	for i := range latencies + 1 {
		e, err := b.small.makeExport(ctx, 25*time.Millisecond)
		if err != nil {
			return err
		}
		if err := b.small.forget(ctx, e); err != nil {
			return err
		}
		if i > 0 { // the first warms up
			b.report.Small.Took = append(b.report.Small.Took, e.took())
		}
	}
	b.say("Counting what a small export costs.")
	b.report.Small.Cost, err = b.countedCost(ctx, b.small)
	return err
}

// countedCost puts a counting worker in the place of the stack's own for one
// export.
func (b *bench) countedCost(ctx context.Context, who *customer) (cost Cost, err error) {
	c, err := b.counting()
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
	for _, part := range []*services.Service{c.worker, c.server} {
		if err := part.Start(ctx); err != nil {
			return cost, err
		}
	}
	// What starts a worker is not the export's.
	first, err := b.small.makeExport(ctx, 100*time.Millisecond)
	if err != nil {
		return cost, err
	}
	if err := b.small.forget(ctx, first); err != nil {
		return cost, err
	}
	hurried := *who
	hurried.base = c.base
	return b.cost(ctx, &hurried, c)
}

// cost makes an export, waits until it has expired and is removed, and counts.
func (b *bench) cost(ctx context.Context, who *customer, c *counter) (cost Cost, err error) {
	c.take()
	database, err := processorTime(b.Postgres.PID())
	if err != nil {
		return cost, err
	}
	working, err := processorTime(c.worker.PID())
	if err != nil {
		return cost, err
	}
	e, err := who.makeExport(ctx, 100*time.Millisecond)
	if err != nil {
		return cost, err
	}
	cost.Rows, cost.Text, cost.Took = e.records(), *e.Size, e.took()
	if cost.Objects, cost.Stored, err = b.stored(ctx, schema.ObjectPrefix(e.ID)); err != nil {
		return cost, err
	}
	if err := who.awaitRemoved(ctx, e); err != nil {
		return cost, err
	}
	if cost.Database, err = since(database, b.Postgres.PID()); err != nil {
		return cost, err
	}
	if cost.Worker, err = since(working, c.worker.PID()); err != nil {
		return cost, err
	}
	runs, err := b.story(ctx, workflows.AccountExportID(who.account.AccountSID), "")
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
		cost.Connections += reading(events)
	}
	maps.DeleteFunc(cost.Actions, func(_ string, n int) bool { return n == 0 })
	return cost, nil
}

func since(before time.Duration, pid int) (time.Duration, error) {
	now, err := processorTime(pid)
	return now - before, err
}

// reading is how long categories were being read, each over a connection.
func reading(events []*historypb.HistoryEvent) (total time.Duration) {
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

// stored is what stands under a prefix.
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
