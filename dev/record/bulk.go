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
	"satchel/schema"
	"satchel/workflows"
)

// playBulk plays the ways that bulk exports go and writes their histories.
func (s *stage) playBulk(ctx context.Context, dir string) error {
	account := schema.NewAccountID()
	job := func(id string, end schema.Day) workflows.Job {
		return workflows.Job{ID: id, Account: account, Family: account, Type: schema.Calls, Start: "2026-03-01", End: end, Sealed: []byte("sealed")}
	}
	completed, refused, stopped := schema.NewJobID(), refusedJob, schema.NewJobID()
	if err := workflows.OpenBulkJob(ctx, s, job(completed, "2026-03-06")); err != nil {
		return err
	}
	if err := workflows.OpenBulkJob(ctx, s, job(refused, "2026-03-06")); schema.KindOf(err) != schema.Limited {
		return errors.Join(errors.New("the job was not refused"), err)
	}
	if err := workflows.OpenBulkJob(ctx, s, job(stopped, slowDay)); err != nil {
		return err
	}
	if err := workflows.StopBulkJob(ctx, s, stopped, "US-by"); err != nil {
		return err
	}
	if err := workflows.ConfigureBulk(ctx, s, account, schema.Calls, workflows.Change{Sealed: []byte("sealed"), By: "US-by"}); err != nil {
		return err
	}
	if err := workflows.EraseCall(ctx, s, account, "US-by", schema.Erasure{Call: "CA1", Day: "2026-03-01"}); err != nil {
		return err
	}
	if err := workflows.MakeDayAgain(ctx, s, account, "2026-03-01"); err != nil {
		return err
	}
	if err := workflows.RemoveDayFileNow(ctx, s, workflows.FileRemoval{File: "DF1", Account: account, By: "US-by"}); err != nil {
		return err
	}
	daily, err := s.playDaily(ctx, workflows.Daily{Account: account, Type: schema.Messages})
	if err != nil {
		return err
	}
	sweep, err := s.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: workflows.SweepBulkID, TaskQueue: workflows.TaskQueue}, workflows.SweepBulk, workflows.SweepingBulk{})
	if err != nil {
		return err
	}
	for name, id := range map[string]string{
		"bulk-job": workflows.BulkJobID(completed), "bulk-job-refused": workflows.BulkJobID(refused), "bulk-job-stopped": workflows.BulkJobID(stopped),
		"bulk-configuration": workflows.BulkConfigurationID(account, schema.Calls), "erase-calls": workflows.EraseCallsID(account, "CA1"),
		"rebuild-day":     workflows.RebuildDayID(account, "2026-03-01"),
		"remove-day-file": workflows.RemoveDayFileID("DF1"), "bulk-daily": daily, "sweep-bulk": sweep.GetID(),
		"bulk-day": workflows.BulkDayID(account, schema.Calls, "2026-03-06"), "webhook": workflows.WebhookID("event"),
		"job-letter": workflows.LetterID(completed, activities.JobEndedMail),
	} {
		if err := s.keep(ctx, s.GetWorkflow(ctx, id, ""), filepath.Join(dir, name+".json")); err != nil {
			return err
		}
	}
	return nil
}

// playDaily has a schedule run its action, for only then a run knows its day.
func (s *stage) playDaily(ctx context.Context, in workflows.Daily) (id string, err error) {
	if err := workflows.ScheduleDaily(ctx, s, in, time.Minute); err != nil {
		return "", err
	}
	schedule := s.ScheduleClient().GetHandle(ctx, workflows.BulkDailyID(in.Account, in.Type))
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
	refusedJob            = "JS00000000000000000000000000000000"
	slowDay    schema.Day = "2026-03-09" // and every later one
)

func (s *stage) registerBulk(w worker.Worker) {
	named := func(name string, do any) { w.RegisterActivityWithOptions(do, activity.RegisterOptions{Name: name}) }
	named("OpenJob", func(_ context.Context, in activities.OpenJob) (activities.Refusal, error) {
		if in.Job == refusedJob {
			return activities.Refusal{Kind: schema.Limited, Code: "quota", Message: "no"}, nil
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.slow[in.Job] = in.End >= slowDay
		return activities.Refusal{}, nil
	})
	named("StopJob", func(_ context.Context, in activities.StopJob) (activities.Refusal, error) {
		return activities.Refusal{}, nil
	})
	named("EndJob", func(_ context.Context, in activities.EndJob) (activities.JobEnd, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.slow[in.Job] {
			return activities.JobEnd{}, nil
		}
		return activities.JobEnd{Event: "event", Mail: true}, nil
	})
	named("WriteDay", func(ctx context.Context, in activities.WriteDay) (activities.WrittenDay, error) {
		s.mu.Lock()
		slow := s.slow[in.Job]
		s.mu.Unlock()
		for slow {
			activity.RecordHeartbeat(ctx)
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
				return activities.WrittenDay{}, ctx.Err()
			}
		}
		return activities.WrittenDay{Status: schema.DayCompleted, Records: 1}, nil
	})
	named("SendJobMail", func(context.Context, activities.JobMail) error { return nil })
	named("DeliverWebhook", func(context.Context, activities.Deliver) error { return nil })
	named("ConfigureBulk", func(context.Context, activities.ConfigureBulk) (activities.Refusal, error) {
		return activities.Refusal{}, nil
	})
	named("EraseCalls", func(context.Context, activities.Erase) (activities.Refusal, error) {
		return activities.Refusal{}, nil
	})
	named("RemoveDay", func(context.Context, activities.RemoveDay) error { return nil })
	named("TellDaily", func(context.Context, activities.DailyEnd) (string, error) { return "", nil })
	named("EndLostJobs", func(context.Context, activities.SweepBulk) (activities.Untold, error) {
		account := schema.NewAccountID()
		return activities.Untold{
			Jobs: 1, Events: []activities.UntoldEvent{{Event: "lost", Account: account}},
			Mails: []activities.JobMail{{Job: "JS1", Account: account, Kind: activities.JobEndedMail}},
		}, nil
	})
	named("SweepBulk", func(context.Context, activities.SweepBulk) (activities.SweptBulk, error) {
		return activities.SweptBulk{Expired: 1}, nil
	})
}
