package bulkexport

import (
	"errors"
	"time"

	"go.temporal.io/sdk/workflow"

	"satchel/activities/bulkexport"
	"satchel/schema"
	"satchel/workflows"
)

// SweepInput is the input of BulkExportSweep.
type SweepInput struct {
	Grace  time.Duration // how long something must be overdue before the sweep handles it
	Limits schema.BulkLimits
}

// SweepResult is the result of BulkExportSweep.
type SweepResult struct {
	Rebuilds int // requested for files that contain erased calls
	Jobs     int // whose workflow run was gone, and that were ended
	Resent   int // webhooks and e-mails whose run was lost
}

// BulkExportSweep does what terminated or lost runs would have done, and what no run
// does. It destroys the keys of expired files; ends jobs, and sends webhooks and
// e-mails, whose run is gone; requests rebuilds of files that contain erased calls;
// deletes erased calls that reached the platform's archive since; and purges old rows.
// If a part fails, the others still run and then the sweep fails, so that operators see
// it; the next sweep tries again. What waits for storage is BulkExportStorageSweep's.
func BulkExportSweep(ctx workflow.Context, in SweepInput) (SweepResult, error) {
	in.Limits = in.Limits.WithDefaults()
	s := &sweep{SweepInput: in}
	errs := []error{s.destroyExpiredKeys(ctx)} // before anything else
	errs = append(errs, concurrently(ctx, s.endAbandonedJobs, s.requestRebuilds, s.eraseArchivedCalls, s.purge)...)
	return s.result, errors.Join(errs...)
}

type sweep struct {
	SweepInput
	result SweepResult
}

// concurrently runs all parts and returns their errors.
func concurrently(ctx workflow.Context, parts ...func(workflow.Context) error) []error {
	errs, all := make([]error, len(parts)), workflow.NewWaitGroup(ctx)
	for i, part := range parts {
		all.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			errs[i] = part(ctx)
			all.Done()
		})
	}
	all.Wait(ctx)
	return errs
}

func (s *sweep) destroyExpiredKeys(ctx workflow.Context) error {
	return workflow.ExecuteActivity(workflows.SweepOptions(ctx, workflows.TaskQueue, "Destroy the keys of expired files"), a.DestroyExpiredKeys).Get(ctx, nil)
}

// endAbandonedJobs ends jobs, and only then looks for undelivered webhooks and
// e-mails, so that it does not find those that it has just started.
func (s *sweep) endAbandonedJobs(ctx workflow.Context) error {
	return errors.Join(s.endJobs(ctx), s.resendUndelivered(ctx))
}

func (s *sweep) endJobs(ctx workflow.Context) error {
	var abandoned bulkexport.EndAbandonedJobsResult
	if err := workflow.ExecuteActivity(workflows.SweepOptions(ctx, workflows.TaskQueue, "End abandoned jobs"), a.EndAbandonedJobs, s.jobsInput()).Get(ctx, &abandoned); err != nil {
		return err
	}
	s.result.Jobs = abandoned.Ended
	return s.startUndelivered(ctx, abandoned.Undelivered)
}

func (s *sweep) resendUndelivered(ctx workflow.Context) error {
	var found bulkexport.Undelivered
	if err := workflow.ExecuteActivity(workflows.SweepOptions(ctx, workflows.TaskQueue, "Find undelivered webhooks and e-mails"), a.FindUndelivered, s.jobsInput()).Get(ctx, &found); err != nil {
		return err
	}
	return s.startUndelivered(ctx, found)
}

func (s *sweep) jobsInput() bulkexport.SweepJobsInput {
	return bulkexport.SweepJobsInput{Grace: s.Grace, Limits: s.Limits}
}

// startUndelivered starts the workflows of webhooks and e-mails. One that is being sent
// meanwhile is not sent twice: its workflow ID is the same.
func (s *sweep) startUndelivered(ctx workflow.Context, undelivered bulkexport.Undelivered) error {
	for _, w := range undelivered.Webhooks {
		if err := startWebhook(ctx, WebhookDeliveryInput{Event: w.Event, Account: w.Account}); err != nil {
			return err
		}
		s.result.Resent++
	}
	for _, e := range undelivered.Emails {
		if err := workflows.StartEmail(ctx, e); err != nil {
			return err
		}
		s.result.Resent++
	}
	return nil
}

func (s *sweep) requestRebuilds(ctx workflow.Context) error {
	return workflow.ExecuteActivity(workflows.SweepOptions(ctx, workflows.TaskQueue, "Request rebuilds"), a.RequestRebuilds).Get(ctx, &s.result.Rebuilds)
}

func (s *sweep) eraseArchivedCalls(ctx workflow.Context) error {
	return workflow.ExecuteActivity(workflows.SweepOptions(ctx, workflows.ArchiveQueue, "Delete erased calls from the archive"), a.EraseArchivedCalls).Get(ctx, nil)
}

func (s *sweep) purge(ctx workflow.Context) error {
	return workflow.ExecuteActivity(workflows.SweepOptions(ctx, workflows.TaskQueue, "Purge old rows"), a.PurgeBulk,
		bulkexport.PurgeBulkInput{Retention: s.Limits.Retention}).Get(ctx, nil)
}
