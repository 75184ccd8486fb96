package workflows

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/workflow"

	"satchel/activities"
	"satchel/schema"
)

// SweepingBulk is how the sweep of bulk exports looks around.
type SweepingBulk struct {
	Sweeping
	Limits schema.BulkLimits
}

// SweepBulk ends jobs whose run is gone, sends the webhooks and mails that
// nobody is sending, deletes day files whose time is over and erased calls that
// came to the archive since, and forgets what is long over. What cannot be done keeps nothing else; the sweep fails then, so
// that it is seen, and the next one tries again.
func SweepBulk(ctx workflow.Context, in SweepingBulk) (swept activities.SweptBulk, err error) {
	order := activities.SweepBulk{Grace: in.Grace, Limits: in.Limits.Filled()}
	jobs, told, failure := endLostJobs(ctx, order)
	err = workflow.ExecuteActivity(sweeping(ctx, "Sweep up day files"), hands.SweepBulk, order).Get(ctx, &swept)
	if err == nil && swept.Stuck > 0 {
		err = fmt.Errorf("%d day files could not be removed", swept.Stuck)
	}
	swept.Jobs, swept.Told = jobs, told
	return swept, errors.Join(failure, err)
}

// endLostJobs ends jobs for their runs, and tells whomever nobody has told. A
// webhook or mail that somebody is sending after all is not sent twice: its ID
// is the same.
func endLostJobs(ctx workflow.Context, order activities.SweepBulk) (jobs, told int, err error) {
	var untold activities.Untold
	if err := workflow.ExecuteActivity(sweeping(ctx, "End jobs without a run"), hands.EndLostJobs, order).Get(ctx, &untold); err != nil {
		return 0, 0, err
	}
	for _, e := range untold.Events {
		if err := sendEvent(ctx, Event{ID: e.Event, Account: e.Account}); err != nil {
			return untold.Jobs, told, err
		}
		told++
	}
	for _, m := range untold.Mails {
		if err := postAbout(ctx, m.Job, m.Kind, JobLetter, m); err != nil {
			return untold.Jobs, told, err
		}
		told++
	}
	return untold.Jobs, told, nil
}
