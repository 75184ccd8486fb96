package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"satchel/activities"
	"satchel/schema"
)

// Job is what a bulk job begins with. What its maker typed is sealed.
type Job struct {
	ID          string
	Account     string
	Family      string // whose quota it is: the parent account, or the account itself
	Type        schema.ResourceType
	Start, End  schema.Day
	RequestedBy string    // user ID, or "" where the account's own credentials asked
	Sealed      []byte    // schema.JobRequest as JSON, for schema.SealedJob
	Until       time.Time // by the database's clock: later it is not opened, since its caller will have gone
	Limits      schema.BulkLimits
}

const (
	// openWithin is how long a run waits for the update that opens it. One that
	// never came was withdrawn: its caller heard that nothing was done.
	openWithin = time.Minute
	// littlePatience is how long a day may keep failing where others wait behind
	// it, and there is reason to think that they would not fare better.
	littlePatience = 10 * time.Minute
)

// The updates a job answers.
const (
	openJob = "open" // takes the days from the quota, or says why not
	stopJob = "stop" // deletes the job, or says why it can not be
)

// BulkJob carries one custom job from its quota to its last day. Whoever asks
// for it hears at once whether they can have it.
func BulkJob(ctx workflow.Context, in Job) error {
	j := &bulkJob{Job: in}
	j.Limits = j.Limits.Filled()
	if opened, err := j.awaitOpening(ctx); err != nil || !opened {
		return err
	}
	j.tellPeople(ctx)
	j.writeDays(ctx)
	return j.end(ctx)
}

type bulkJob struct {
	Job
	opening      workflow.Future // nil until somebody asks for it
	opened       bool
	stopped      bool
	disappointed bool // a day has failed: the others are not waited for as long
	stopDays     workflow.CancelFunc
}

// awaitOpening answers false for a job that is not to be.
func (j *bulkJob) awaitOpening(ctx workflow.Context) (bool, error) {
	if err := j.answerUpdates(ctx); err != nil {
		return false, err
	}
	if asked, err := within(ctx, openWithin, "opening", func() bool { return j.opening != nil }); err != nil || !asked {
		return false, err
	}
	ctx, _ = workflow.NewDisconnectedContext(ctx) // a cancelled run, too, ends a job that is there
	err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
	return j.opened, err
}

func (j *bulkJob) answerUpdates(ctx workflow.Context) error {
	if err := workflow.SetUpdateHandler(ctx, openJob, j.open); err != nil {
		return err
	}
	return workflow.SetUpdateHandler(ctx, stopJob, j.stop)
}

// open opens the job, or hears why it is not to be. Its row decides, whoever
// still waits for the answer: where an attempt was lost the next one finds out,
// so that no job that somebody may have seen is taken back. Nobody who stopped
// waiting gets one, since the database opens none after Until.
func (j *bulkJob) open(ctx workflow.Context) (refusal activities.Refusal, err error) {
	if j.opening == nil {
		ctx, _ := workflow.NewDisconnectedContext(ctx)
		j.opening = workflow.ExecuteActivity(named(deciding(ctx, "Open the job"), "open"), hands.OpenJob, activities.OpenJob{
			Job: j.ID, Account: j.Account, Family: j.Family, Type: j.Type, Start: j.Start, End: j.End,
			RequestedBy: j.RequestedBy, Sealed: j.Sealed, QuotaDays: j.Limits.QuotaDays, Until: j.Until,
		})
	}
	err = j.opening.Get(ctx, &refusal)
	j.opened = err == nil && refusal.Kind == ""
	return refusal, err
}

// stop ends what has not begun at once, and what has begun soon.
func (j *bulkJob) stop(ctx workflow.Context, by string) (refusal activities.Refusal, err error) {
	err = workflow.ExecuteActivity(answering(ctx, "Delete the job"), hands.StopJob,
		activities.StopJob{Job: j.ID, By: by}).Get(ctx, &refusal)
	if err == nil && refusal.Kind == "" {
		j.stopped = true
		if j.stopDays != nil {
			j.stopDays()
		}
	}
	return refusal, err
}

// tellPeople mails the account's owners and admins that somebody asked for
// this. Nobody waits for it.
func (j *bulkJob) tellPeople(ctx workflow.Context) {
	workflow.GoNamed(ctx, "notice", func(ctx workflow.Context) {
		if err := j.post(ctx, activities.JobRequestedMail); err != nil {
			workflow.GetLogger(ctx).Warn("notice not sent", "job", j.ID, "err", err)
		}
	})
}

func (j *bulkJob) post(ctx workflow.Context, kind activities.MailKind) error {
	return postAbout(ctx, j.ID, kind, JobLetter, activities.JobMail{Job: j.ID, Account: j.Account, Kind: kind, Retention: j.Limits.Retention})
}

// writeDays writes every day, a few at a time, until all are through or the
// job is stopped. A day that cannot be written keeps no other.
func (j *bulkJob) writeDays(ctx workflow.Context) {
	days, stop := workflow.WithCancel(ctx)
	j.stopDays = stop
	places := workflow.NewSemaphore(ctx, schema.JobDaysAtOnce)
	all := workflow.NewWaitGroup(ctx)
	for _, day := range j.Start.To(j.End) {
		if err := places.Acquire(days, 1); err != nil || j.stopped {
			break
		}
		all.Add(1)
		workflow.GoNamed(days, string(day), func(days workflow.Context) {
			j.writeDay(days, day)
			places.Release(1)
			all.Done()
		})
	}
	all.Wait(ctx)
}

func (j *bulkJob) writeDay(ctx workflow.Context, day schema.Day) {
	limits := j.Limits
	if j.disappointed {
		limits.Patience = min(limits.Patience, littlePatience)
	}
	_, err := writeDay(ctx, Day{Account: j.Account, Type: j.Type, Day: day, Job: j.ID, Limits: limits})
	if err == nil || ctx.Err() != nil {
		return
	}
	j.disappointed = true
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if err := workflow.ExecuteActivity(named(recording(ctx, "Give up on "+string(day)), "fail-"+string(day)), hands.FailDay,
		activities.FailDay{Job: j.ID, Day: day}).Get(ctx, nil); err != nil {
		workflow.GetLogger(ctx).Error("day not failed", "job", j.ID, "day", day, "err", err)
	}
}

// end ends the job, and tells whoever wanted to know.
func (j *bulkJob) end(ctx workflow.Context) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx) // a cancelled run ends its job all the same
	var end activities.JobEnd
	if err := workflow.ExecuteActivity(named(recording(ctx, "End the job"), "end"), hands.EndJob,
		activities.EndJob{Job: j.ID}).Get(ctx, &end); err != nil {
		return err
	}
	if end.Event != "" {
		if err := sendEvent(ctx, Event{ID: end.Event, Account: j.Account}); err != nil {
			return err
		}
	}
	if end.Mail {
		if err := j.post(ctx, activities.JobEndedMail); err != nil {
			return err
		}
	}
	return workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

// JobLetter sends one mail about a job and keeps trying for a day.
func JobLetter(ctx workflow.Context, in activities.JobMail) error {
	ctx = named(mailing(ctx, "Mail: "+string(in.Kind), schema.EmailRetryWindow), "mail")
	return workflow.ExecuteActivity(ctx, hands.SendJobMail, in).Get(ctx, nil)
}

// bulkPriority lets account exports go first, and no account's days stand in
// front of another's.
func bulkPriority(account string) temporal.Priority {
	return temporal.Priority{PriorityKey: 4, FairnessKey: account}
}
