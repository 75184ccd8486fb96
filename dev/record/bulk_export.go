package record

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"satchel/activities"
	bulkactivities "satchel/activities/bulkexport"
	"satchel/schema"
	"satchel/workflows"
	"satchel/workflows/bulkexport"
	workflowclient "satchel/workflows/client"
)

// recordBulkExport runs every path of bulk exports and writes its history.
func (r *recorder) recordBulkExport(ctx context.Context, dir string) error {
	account := schema.NewAccountID()
	job := func(id string, end schema.Day) bulkexport.BulkJobInput {
		return bulkexport.BulkJobInput{ID: id, Account: account, QuotaAccount: account, Type: schema.Calls, Start: "2026-03-01", End: end, Sealed: []byte("sealed")}
	}
	completed, rejected, stopped := schema.NewJobID(), rejectedJob, schema.NewJobID()
	if err := workflowclient.OpenBulkJob(ctx, r, job(completed, "2026-03-06")); err != nil {
		return err
	}
	if err := workflowclient.OpenBulkJob(ctx, r, job(rejected, "2026-03-06")); schema.KindOf(err) != schema.Limited {
		return errors.Join(errors.New("the job was not rejected"), err)
	}
	if err := workflowclient.OpenBulkJob(ctx, r, job(stopped, slowDay)); err != nil {
		return err
	}
	if err := workflowclient.StopBulkJob(ctx, r, stopped, "US-by"); err != nil {
		return err
	}
	if err := workflowclient.ConfigureBulk(ctx, r, account, schema.Calls, bulkexport.Change{Sealed: []byte("sealed"), By: "US-by"}); err != nil {
		return err
	}
	if err := workflowclient.EraseCall(ctx, r, account, "US-by", schema.Erasure{Call: "CA1", Day: "2026-03-01"}, false); err != nil {
		return err
	}
	if err := workflowclient.RequestRebuild(ctx, r, account, "2026-03-01"); err != nil {
		return err
	}
	if err := workflowclient.RemoveDayFile(ctx, r, bulkexport.DayFileRemovalInput{File: "DF1", Account: account, By: "US-by"}); err != nil {
		return err
	}
	daily, err := r.runDaily(ctx, bulkexport.BulkDailyInput{Account: account, Type: schema.Messages})
	if err != nil {
		return err
	}
	sweep, err := r.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: workflows.BulkExportSweepID, TaskQueue: workflows.TaskQueue},
		bulkexport.BulkExportSweep, bulkexport.SweepInput{})
	if err != nil {
		return err
	}
	storageSweep, err := r.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: workflows.BulkExportStorageSweepID, TaskQueue: workflows.TaskQueue},
		bulkexport.BulkExportStorageSweep, bulkexport.SweepInput{})
	if err != nil {
		return err
	}
	for name, id := range map[string]string{
		"bulk-export-storage-sweep": storageSweep.GetID(),
		"bulk-job":                  workflows.BulkJobID(completed), "bulk-job-rejected": workflows.BulkJobID(rejected), "bulk-job-stopped": workflows.BulkJobID(stopped),
		"bulk-configuration": workflows.BulkConfigurationID(account, schema.Calls), "call-erasure": workflows.CallErasureID(account, "CA1"),
		"day-rebuild":      workflows.DayRebuildID(account, "2026-03-01"),
		"day-file-removal": workflows.DayFileRemovalID("DF1"), "bulk-daily": daily, "bulk-export-sweep": sweep.GetID(),
		"bulk-day": workflows.BulkDayID(account, schema.Calls, "2026-03-06"), "webhook-delivery": workflows.WebhookID("event"),
		"email": workflows.EmailID(completed, bulkactivities.JobEndedEmail),
	} {
		if err := r.write(ctx, r.GetWorkflow(ctx, id, ""), filepath.Join(dir, name+".json")); err != nil {
			return err
		}
	}
	return nil
}

// runDaily triggers the schedule of a daily export, so that the run has a scheduled
// time, and returns the workflow ID of the run.
func (r *recorder) runDaily(ctx context.Context, in bulkexport.BulkDailyInput) (id string, err error) {
	if err := workflowclient.ScheduleDaily(ctx, r, in, time.Minute); err != nil {
		return "", err
	}
	schedule := r.ScheduleClient().GetHandle(ctx, workflows.BulkDailyID(in.Account, in.Type))
	if err := schedule.Trigger(ctx, client.ScheduleTriggerOptions{}); err != nil {
		return "", err
	}
	for {
		found, err := schedule.Describe(ctx)
		if err != nil {
			return "", err
		}
		if ran := found.Info.RecentActions; len(ran) > 0 {
			return ran[0].StartWorkflowResult.WorkflowID, nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

const (
	rejectedJob            = "JS00000000000000000000000000000000"
	slowDay     schema.Day = "2026-03-09" // and every later one
)

func (r *recorder) registerBulkExport(w worker.Worker) {
	named := func(name string, do any) { w.RegisterActivityWithOptions(do, activity.RegisterOptions{Name: name}) }
	named("OpenJob", func(_ context.Context, in bulkactivities.OpenJobInput) (bulkactivities.Rejection, error) {
		if in.Job == rejectedJob {
			return bulkactivities.Rejection{Kind: schema.Limited, Code: "quota", Message: "no"}, nil
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.slow[in.Job] = in.End >= slowDay
		return bulkactivities.Rejection{}, nil
	})
	named("StopJob", func(_ context.Context, in bulkactivities.StopJobInput) (bulkactivities.Rejection, error) {
		return bulkactivities.Rejection{}, nil
	})
	named("EndJob", func(_ context.Context, in bulkactivities.EndJobInput) (bulkactivities.EndJobResult, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.slow[in.Job] {
			return bulkactivities.EndJobResult{}, nil
		}
		return bulkactivities.EndJobResult{Event: "event", Email: true}, nil
	})
	named("WriteDay", func(ctx context.Context, in bulkactivities.WriteDayInput) (bulkactivities.WriteDayResult, error) {
		r.mu.Lock()
		slow := r.slow[in.Job]
		r.mu.Unlock()
		for slow {
			activity.RecordHeartbeat(ctx)
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
				return bulkactivities.WriteDayResult{}, ctx.Err()
			}
		}
		return bulkactivities.WriteDayResult{Status: schema.DayCompleted, Records: 1}, nil
	})
	named("DeliverWebhook", func(context.Context, bulkactivities.DeliverWebhookInput) error { return nil })
	named("ConfigureBulk", func(context.Context, bulkactivities.ConfigureBulkInput) (bulkactivities.Rejection, error) {
		return bulkactivities.Rejection{}, nil
	})
	named("EraseCalls", func(context.Context, bulkactivities.EraseCallsInput) (bulkactivities.Rejection, error) {
		return bulkactivities.Rejection{}, nil
	})
	named("BeginDayFileRemoval", func(context.Context, bulkactivities.RemoveDayFileInput) (bool, error) { return true, nil })
	named("RemoveDayFile", func(context.Context, bulkactivities.RemoveDayFileInput) error { return nil })
	named("RecordDailyResult", func(context.Context, bulkactivities.RecordDailyResultInput) (string, error) { return "", nil })
	r.registerBulkSweep(named)
}

func (r *recorder) registerBulkSweep(named func(name string, do any)) {
	named("DestroyExpiredKeys", func(context.Context) error { return nil })
	named("EndAbandonedJobs", func(context.Context, bulkactivities.SweepJobsInput) (bulkactivities.EndAbandonedJobsResult, error) {
		account := schema.NewAccountID()
		return bulkactivities.EndAbandonedJobsResult{Ended: 1, Undelivered: bulkactivities.Undelivered{
			Webhooks: []bulkactivities.UndeliveredWebhook{{Event: "lost", Account: account}},
			Emails:   []activities.SendEmailInput{{About: "JS1", Account: account, Kind: bulkactivities.JobEndedEmail}},
		}}, nil
	})
	named("FindUndelivered", func(context.Context, bulkactivities.SweepJobsInput) (bulkactivities.Undelivered, error) {
		return bulkactivities.Undelivered{Webhooks: []bulkactivities.UndeliveredWebhook{{Event: "undelivered", Account: schema.NewAccountID()}}}, nil
	})
	named("RequestRebuilds", func(context.Context) (int, error) { return 1, nil })
	named("EraseArchivedCalls", func(context.Context) error { return nil })
	named("PurgeBulk", func(context.Context, bulkactivities.PurgeBulkInput) error { return nil })
	named("RemoveExpiredDayFiles", func(context.Context) (bulkactivities.RemoveExpiredDayFilesResult, error) {
		return bulkactivities.RemoveExpiredDayFilesResult{Removed: 1}, nil
	})
	named("ReplayErasures", func(context.Context) (int, error) { return 0, nil })
	named("CheckDayFiles", func(context.Context) (int, error) { return 0, nil })
	named("RemoveOrphanedDayFiles", func(context.Context, activities.RemoveOrphansInput) (activities.RemoveOrphansResult, error) {
		return activities.RemoveOrphansResult{}, nil
	})
}
