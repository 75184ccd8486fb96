package bulkexport

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"satchel/activities"
	"satchel/activities/bulkexport"
	"satchel/schema"
	"satchel/workflows"
)

// BulkJobInput is the input of BulkJob. What the requester typed is encrypted.
type BulkJobInput struct {
	ID           string
	Account      string
	QuotaAccount string // the parent account, or the account itself
	Type         schema.ResourceType
	Start, End   schema.Day
	RequestedBy  string    // user ID, or "" where the account's own credentials requested it
	Sealed       []byte    // schema.JobRequest as JSON, for schema.SealedJob
	Until        time.Time // by the database's clock; after it the job is not opened, since its caller no longer waits
	Limits       schema.BulkLimits
}

const (
	// firstUpdateTimeout is how long a run waits for the update that it was started with.
	// If none arrives, nothing was changed and the caller got an error.
	firstUpdateTimeout = time.Minute
	// failFastWindow is how long a day is retried after another day of the job has failed,
	// and how long one attempt at a rebuild is.
	failFastWindow = 10 * time.Minute
)

// The updates of BulkJob. Both return a bulkexport.Rejection.
const (
	OpenUpdate = "open" // takes the days from the quota
	StopUpdate = "stop" // deletes the job; its argument says who requested it
)

// BulkJob runs one custom job: it takes the job's days from the quota, writes each day's
// file, and notifies the requester. OpenUpdate returns to the caller whether the quota
// sufficed.
func BulkJob(ctx workflow.Context, in BulkJobInput) error {
	j := &bulkJob{BulkJobInput: in}
	j.Limits = j.Limits.WithDefaults()
	if opened, err := j.awaitOpening(ctx); err != nil || !opened {
		return err
	}
	j.notifyOwners(ctx)
	j.writeDays(ctx)
	return j.end(ctx)
}

type bulkJob struct {
	BulkJobInput
	opening      workflow.Future // nil before the first OpenUpdate
	opened       bool
	stopped      bool
	hasFailedDay bool // then the others are retried for failFastWindow only
	cancelDays   workflow.CancelFunc
}

// awaitOpening waits for OpenUpdate, and returns false if the job was not opened.
func (j *bulkJob) awaitOpening(ctx workflow.Context) (bool, error) {
	if err := j.setUpdateHandlers(ctx); err != nil {
		return false, err
	}
	requested, err := workflows.AwaitWithTimeout(ctx, firstUpdateTimeout, "first update", func() bool { return j.opening != nil })
	if err != nil || !requested {
		return false, err
	}
	ctx, _ = workflow.NewDisconnectedContext(ctx) // a cancelled run must still end a job that was opened
	err = workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
	return j.opened, err
}

func (j *bulkJob) setUpdateHandlers(ctx workflow.Context) error {
	if err := workflow.SetUpdateHandler(ctx, OpenUpdate, j.open); err != nil {
		return err
	}
	return workflow.SetUpdateHandler(ctx, StopUpdate, j.stop)
}

// open opens the job or returns a rejection. The job's row decides, even if the caller
// no longer waits: if the result of an attempt was lost, the next attempt finds the row,
// so a job that a client may have seen is never withdrawn. After Until the database
// opens no job, so none is created for a caller that got an error.
func (j *bulkJob) open(ctx workflow.Context) (rejection bulkexport.Rejection, err error) {
	if j.opening == nil {
		ctx, _ := workflow.NewDisconnectedContext(ctx)
		ctx = workflows.WithActivityID(openJobOptions(ctx, "Open the job"), "open")
		j.opening = workflow.ExecuteActivity(ctx, a.OpenJob, bulkexport.OpenJobInput{
			Job: j.ID, Account: j.Account, QuotaAccount: j.QuotaAccount, Type: j.Type, Start: j.Start, End: j.End,
			RequestedBy: j.RequestedBy, Sealed: j.Sealed, QuotaDays: j.Limits.QuotaDays, Until: j.Until,
		})
	}
	err = j.opening.Get(ctx, &rejection)
	j.opened = err == nil && rejection.Kind == ""
	return rejection, err
}

// stop marks the job as to be deleted: days that have not begun are deleted at once,
// and running ones are cancelled.
func (j *bulkJob) stop(ctx workflow.Context, by string) (rejection bulkexport.Rejection, err error) {
	err = workflow.ExecuteActivity(updateOptions(ctx, "Delete the job"), a.StopJob,
		bulkexport.StopJobInput{Job: j.ID, By: by}).Get(ctx, &rejection)
	if err == nil && rejection.Kind == "" {
		j.stopped = true
		if j.cancelDays != nil {
			j.cancelDays()
		}
	}
	return rejection, err
}

// notifyOwners e-mails the account's owners and admins that the job was requested, in
// the background.
func (j *bulkJob) notifyOwners(ctx workflow.Context) {
	workflow.GoNamed(ctx, "notice", func(ctx workflow.Context) {
		if err := j.startEmail(ctx, bulkexport.JobRequestedEmail, 0); err != nil {
			workflow.GetLogger(ctx).Warn("notice not sent", "job", j.ID, "err", err)
		}
	})
}

// emailBeforeWebhook is how long a job's webhook waits for the outcome of its e-mail, to
// say whether that could be delivered.
const emailBeforeWebhook = 30 * time.Second

// startEmail starts an e-mail, and waits for its outcome no longer than wait.
func (j *bulkJob) startEmail(ctx workflow.Context, kind activities.EmailKind, wait time.Duration) error {
	in := activities.SendEmailInput{About: j.ID, Account: j.Account, Kind: kind, Retention: j.Limits.Retention}
	if wait == 0 {
		return workflows.StartEmail(ctx, in)
	}
	return workflows.StartEmailAndWait(ctx, in, wait)
}

// writeDays writes every day, a few at a time, until all have ended or the job is
// stopped. A day that fails does not stop the others.
func (j *bulkJob) writeDays(ctx workflow.Context) {
	days, cancel := workflow.WithCancel(ctx)
	j.cancelDays = cancel
	slots := workflow.NewSemaphore(ctx, schema.JobDaysAtOnce)
	all := workflow.NewWaitGroup(ctx)
	for _, day := range j.Start.To(j.End) {
		if err := slots.Acquire(days, 1); err != nil || j.stopped {
			break
		}
		all.Add(1)
		workflow.GoNamed(days, string(day), func(days workflow.Context) {
			j.writeDay(days, day)
			slots.Release(1)
			all.Done()
		})
	}
	all.Wait(ctx)
}

func (j *bulkJob) writeDay(ctx workflow.Context, day schema.Day) {
	limits := j.Limits
	if j.hasFailedDay {
		limits.RetryWindow = min(limits.RetryWindow, failFastWindow)
	}
	_, err := writeDay(ctx, BulkDayInput{Account: j.Account, Type: j.Type, Day: day, Job: j.ID, Limits: limits})
	if err == nil || ctx.Err() != nil {
		return
	}
	j.hasFailedDay = true
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	ctx = workflows.WithActivityID(workflows.DatabaseOptions(ctx, "Mark "+string(day)+" as failed"), "fail-"+string(day))
	if err := workflow.ExecuteActivity(ctx, a.MarkDayFailed, bulkexport.MarkDayFailedInput{Job: j.ID, Day: day}).Get(ctx, nil); err != nil {
		workflow.GetLogger(ctx).Error("day not marked as failed", "job", j.ID, "day", day, "err", err)
	}
}

// end ends the job, and starts the webhook and the e-mail that its request asked for.
func (j *bulkJob) end(ctx workflow.Context) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx) // a cancelled run must end its job, too
	var end bulkexport.EndJobResult
	if err := workflow.ExecuteActivity(workflows.WithActivityID(workflows.DatabaseOptions(ctx, "End the job"), "end"), a.EndJob,
		bulkexport.EndJobInput{Job: j.ID}).Get(ctx, &end); err != nil {
		return err
	}
	if end.Email {
		wait := emailBeforeWebhook
		if end.Event == "" {
			wait = 0
		}
		if err := j.startEmail(ctx, bulkexport.JobEndedEmail, wait); err != nil {
			return err
		}
	}
	if end.Event != "" {
		if err := startWebhook(ctx, WebhookDeliveryInput{Event: end.Event, Account: j.Account}); err != nil {
			return err
		}
	}
	return workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}
