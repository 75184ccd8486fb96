package accountexport

import (
	"cmp"
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"satchel/activities"
	"satchel/activities/accountexport"
	"satchel/schema"
	"satchel/workflows"
)

// run is the state of one workflow run: its input, the signals it received, and the
// result of CompleteExport.
type run struct {
	AccountExportInput
	received  map[Signal]SignalPayload
	completed accountexport.CompleteExportResult
	repaired  bool // something damaged is being made again
}

// Activities are referenced through nil pointers; they are not called here.
var (
	a      *accountexport.Activities
	emails *activities.EmailActivities
)

func newRun(in AccountExportInput) *run {
	in.Windows = in.Windows.WithDefaults()
	if len(in.Categories) == 0 {
		in.Categories = schema.Categories
	}
	return &run{AccountExportInput: in, received: map[Signal]SignalPayload{}}
}

// open writes the export's row, even if the run is cancelled meanwhile: remove then
// records in it how the export ended.
func (r *run) open(ctx workflow.Context) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	ctx = workflows.WithActivityID(workflows.DatabaseOptions(ctx, "Open the export"), "open")
	return workflow.ExecuteActivity(ctx, a.OpenExport, accountexport.OpenExportInput{
		Export: r.ID, Account: r.Account, RequestedBy: r.RequestedBy,
		RequestedAt: r.RequestedAt, ConfirmBy: r.RequestedAt.Add(r.Windows.Confirm),
		Categories: r.Categories,
	}).Get(ctx, nil)
}

func (r *run) confirmWindowLeft(ctx workflow.Context) (left time.Duration, err error) {
	ctx = workflows.WithActivityID(workflows.PersistentDatabaseOptions(ctx, "Ask the database's clock"), "confirm-window")
	err = workflow.ExecuteActivity(ctx, a.ConfirmWindowLeft, accountexport.ConfirmWindowLeftInput{Export: r.ID}).Get(ctx, &left)
	return left, err
}

func (r *run) confirm(ctx workflow.Context) error {
	ctx = workflows.WithActivityID(workflows.DatabaseOptions(ctx, "Make the key"), "confirm")
	return workflow.ExecuteActivity(ctx, a.ConfirmExport,
		accountexport.ConfirmExportInput{Export: r.ID, Account: r.Account, By: r.by(Confirmed)}).Get(ctx, nil)
}

// collectCategory collects a category: all of it, or again from the piece on that is
// damaged.
func (r *run) collectCategory(ctx workflow.Context, c schema.Category, damaged string) workflow.Future {
	ctx = workflows.WithActivityID(workflows.StreamOptions(ctx, "Collect "+c.Title(), r.Windows.Collect), r.activityID(string(c)))
	return workflow.ExecuteActivity(ctx, a.CollectCategory,
		accountexport.CollectCategoryInput{Export: r.ID, Account: r.Account, Category: c, Damaged: damaged})
}

// activityID returns an ID that no activity of the run has had: after a repair, it says
// so.
func (r *run) activityID(name string) string {
	if r.repaired {
		name += "-again"
	}
	return name
}

func (r *run) assemble(ctx workflow.Context) (archive accountexport.AssembleArchiveResult, err error) {
	ctx = workflows.WithActivityID(workflows.StreamOptions(ctx, "Assemble the archive", r.Windows.Collect), r.activityID("assemble"))
	err = workflow.ExecuteActivity(ctx, a.AssembleArchive,
		accountexport.AssembleArchiveInput{Export: r.ID, Account: r.Account}).Get(ctx, &archive)
	return archive, err
}

// complete reads the archive back, and only then completes the export.
func (r *run) complete(ctx workflow.Context, archive accountexport.AssembleArchiveResult) (completed accountexport.CompleteExportResult, err error) {
	ctx = workflows.WithActivityID(workflows.StreamOptions(ctx, "Verify the archive", r.Windows.Collect), r.activityID("verify"))
	err = workflow.ExecuteActivity(ctx, a.CompleteExport, accountexport.CompleteExportInput{
		Export: r.ID, Account: r.Account, Archive: archive, Windows: r.Windows,
	}).Get(ctx, &completed)
	return completed, err
}

// remove deletes what was stored and records how the export ended. It is retried until
// it succeeds. While storage does not answer, the key is destroyed all the same: by
// BeginRemoval, or, once the download window has closed, by the sweep; that saves most
// exports an activity.
func (r *run) remove(ctx workflow.Context, ending schema.Ending) error {
	in := accountexport.RemoveArchiveInput{Export: r.ID, Account: r.Account, Ending: ending, By: r.endedBy(ending)}
	if ending != windowPassed {
		var stored bool
		ctx := workflows.WithActivityID(workflows.PersistentDatabaseOptions(ctx, "Destroy the key"), "begin-removal")
		if err := workflow.ExecuteActivity(ctx, a.BeginRemoval, in).Get(ctx, &stored); err != nil || !stored {
			return err
		}
	}
	ctx = workflows.WithActivityID(workflows.RemovalOptions(ctx, "Remove everything"), "remove")
	return workflow.ExecuteActivity(ctx, a.RemoveArchive, in).Get(ctx, nil)
}

// sendEmail sends e-mails without waiting for the result. It is retried until the
// deadline passes or ctx is cancelled.
func (r *run) sendEmail(ctx workflow.Context, kind activities.EmailKind, linkVersion int, deadline time.Time) {
	ctx = workflows.EmailOptions(ctx, "E-mail: "+string(kind), deadline.Sub(workflow.Now(ctx)))
	ctx = workflows.WithActivityID(ctx, fmt.Sprintf("email-%s-%d", kind, linkVersion))
	workflow.ExecuteActivity(ctx, emails.SendEmail, r.email(kind, linkVersion))
}

// startEmail sends e-mails in a workflow of their own, so that this run can close now.
func (r *run) startEmail(ctx workflow.Context, kind activities.EmailKind) error {
	return workflows.StartEmail(ctx, r.email(kind, 1))
}

func (r *run) email(kind activities.EmailKind, linkVersion int) activities.SendEmailInput {
	return activities.SendEmailInput{About: r.ID, Account: r.Account, Kind: kind, LinkVersion: linkVersion}
}

// publishStatus sets the search attribute and the current details of the run.
func (r *run) publishStatus(ctx workflow.Context, status schema.Status, details string) {
	workflow.SetCurrentDetails(ctx, details)
	if err := workflow.UpsertTypedSearchAttributes(ctx, workflows.StatusAttribute.ValueSet(string(status))); err != nil {
		workflow.GetLogger(ctx).Warn("search attribute not set", "export", r.ID, "err", err)
	}
}

// discardEarlyRemoval discards a Removed signal whose sender saw no completed archive,
// and reports whether it did. A sender may see the completed archive in the database
// before this run receives the result: that signal counts.
func (r *run) discardEarlyRemoval() bool {
	if r.received[Removed].SeenStatus == schema.Completed {
		return false
	}
	delete(r.received, Removed)
	return true
}

// finalDetails say how the export ended, and when the next one can be requested.
func (r *run) finalDetails(ending schema.Ending) string {
	details := "Ended: " + string(ending.Status) + "."
	if ending.Status == schema.Expired && ending != unconfirmed {
		details += " The next can be requested from " + r.completed.AvailableAgainAt.UTC().Format(time.RFC3339) + " on."
	}
	return details
}

// endedBy returns who requested this ending; activities.Satchel if a deadline
// passed or an activity failed.
func (r *run) endedBy(ending schema.Ending) string {
	switch ending {
	case cancelled:
		return r.by(Cancelled)
	case deleted:
		return r.by(Removed)
	}
	return activities.Satchel
}

// by returns who sent the signal. Without a signal the run itself was cancelled, by an
// operator.
func (r *run) by(s Signal) string { return cmp.Or(r.received[s].By, activities.Operator) }
