package workflows

import (
	"cmp"
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"satchel/activities"
	"satchel/schema"
)

// accountExport is one run: what it began with and what it has heard so far.
type accountExport struct {
	Export
	orders map[Signal]Order // heard so far
	ready  activities.Completed
}

// hands names activities; it is never called.
var hands *activities.Activities

func begin(in Export) *accountExport {
	in.Windows = in.Windows.Filled()
	if len(in.Categories) == 0 {
		in.Categories = schema.Categories
	}
	return &accountExport{Export: in, orders: map[Signal]Order{}}
}

// open writes the row also for an export that is cancelled meanwhile, so that
// there is one to end.
func (e *accountExport) open(ctx workflow.Context) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	return workflow.ExecuteActivity(named(recording(ctx, "Open the export"), "open"), hands.OpenExport, activities.Open{
		Export: e.ID, Account: e.Account, RequestedBy: e.RequestedBy,
		RequestedAt: e.RequestedAt, ConfirmBy: e.RequestedAt.Add(e.Windows.Confirm),
		Categories: e.Categories,
	}).Get(ctx, nil)
}

func (e *accountExport) confirm(ctx workflow.Context) error {
	return workflow.ExecuteActivity(named(recording(ctx, "Make the key"), "confirm"), hands.ConfirmExport,
		activities.Confirm{Export: e.ID, Account: e.Account, By: e.by(Confirmed)}).Get(ctx, nil)
}

func (e *accountExport) collectCategory(ctx workflow.Context, c schema.Category) workflow.Future {
	ctx = named(streaming(ctx, "Read "+c.Title(), e.Windows.Collect), string(c))
	return workflow.ExecuteActivity(ctx, hands.CollectCategory,
		activities.Collect{Export: e.ID, Account: e.Account, Category: c})
}

func (e *accountExport) assemble(ctx workflow.Context) (archive activities.Assembled, err error) {
	ctx = named(streaming(ctx, "Assemble the archive", e.Windows.Collect), "assemble")
	err = workflow.ExecuteActivity(ctx, hands.AssembleArchive,
		activities.Assemble{Export: e.ID, Account: e.Account}).Get(ctx, &archive)
	return archive, err
}

// complete reads back what was stored, and only then completes the export.
func (e *accountExport) complete(ctx workflow.Context, archive activities.Assembled) (ready activities.Completed, err error) {
	ctx = named(streaming(ctx, "Verify what was stored", e.Windows.Collect), "verify")
	err = workflow.ExecuteActivity(ctx, hands.CompleteExport,
		activities.Complete{Export: e.ID, Account: e.Account, Archive: archive, Windows: e.Windows}).Get(ctx, &ready)
	return ready, err
}

// remove never gives up.
func (e *accountExport) remove(ctx workflow.Context, ending schema.Ending) error {
	return workflow.ExecuteActivity(named(removing(ctx, "Remove everything"), "remove"), hands.RemoveArchive,
		activities.Remove{Export: e.ID, Account: e.Account, Ending: ending, By: e.endedBy(ending)}).Get(ctx, nil)
}

// mail sends in the background until it arrives, the deadline passes or ctx
// is cancelled; nobody waits for it.
func (e *accountExport) mail(ctx workflow.Context, kind activities.MailKind, generation int, deadline time.Time) {
	ctx = named(mailing(ctx, "Mail: "+string(kind), deadline.Sub(workflow.Now(ctx))), fmt.Sprintf("mail-%s-%d", kind, generation))
	workflow.ExecuteActivity(ctx, hands.SendMail, activities.Mail{Export: e.ID, Account: e.Account, Kind: kind, Generation: generation})
}

// post leaves a mail to a run of its own, so that this one can close now.
func (e *accountExport) post(ctx workflow.Context, kind activities.MailKind) error {
	return post(ctx, activities.Mail{Export: e.ID, Account: e.Account, Kind: kind, Generation: 1})
}

// tell keeps operators informed: the status they can search by, and a line in
// the run's details.
func (e *accountExport) tell(ctx workflow.Context, status schema.Status, details string) {
	workflow.SetCurrentDetails(ctx, details)
	if err := workflow.UpsertTypedSearchAttributes(ctx, exportStatus.ValueSet(string(status))); err != nil {
		workflow.GetLogger(ctx).Warn("search attribute not set", "export", e.ID, "err", err)
	}
}

// dropEarly forgets an order to remove the file that was given before there
// was one. Who saw that there is may order it before we hear of it ourselves.
func (e *accountExport) dropEarly() bool {
	if e.orders[Removed].Seen == schema.Completed {
		return false
	}
	delete(e.orders, Removed)
	return true
}

// lastWords say how the export ended, and until when a new one has to wait.
func (e *accountExport) lastWords(ending schema.Ending) string {
	words := "Ended: " + string(ending.Status) + "."
	if ending.Status == schema.Expired && ending != unconfirmed {
		words += " The next can be asked for from " + e.ready.AvailableAgainAt.UTC().Format(time.RFC3339) + " on."
	}
	return words
}

// endedBy is who asked for this ending: a person, or nobody but time.
func (e *accountExport) endedBy(ending schema.Ending) string {
	switch ending {
	case cancelled:
		return e.by(Cancelled)
	case deleted:
		return e.by(Removed)
	}
	return activities.Satchel
}

// by is who sent the signal. Who cancels the run instead is an operator.
func (e *accountExport) by(s Signal) string { return cmp.Or(e.orders[s].By, activities.Operator) }
