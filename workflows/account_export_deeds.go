package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"satchel/activities"
	"satchel/schema"
)

// accountExport is one run: what it began with and what it has heard so far.
type accountExport struct {
	Export
	confirmed, cancelled, removed *Order
	mailLost                      bool
	ready                         activities.Completed
}

// hands names activities; it is never called.
var hands *activities.Activities

// begin starts to listen, so that no signal is missed at any time.
func begin(ctx workflow.Context, in Export) *accountExport {
	e := &accountExport{Export: in}
	Confirmed.listen(ctx, in.ID, func(o Order) { e.confirmed = &o })
	Cancelled.listen(ctx, in.ID, func(o Order) { e.cancelled = &o })
	Removed.listen(ctx, in.ID, func(o Order) { e.removed = &o })
	MailLost.listen(ctx, in.ID, func(Order) { e.mailLost = true })
	return e
}

func (e *accountExport) open(ctx workflow.Context) error {
	return workflow.ExecuteActivity(recording(ctx, "Open the export"), hands.OpenExport, activities.Open{
		Export: e.ID, Account: e.Account, RequestedBy: e.RequestedBy,
		RequestedAt: e.RequestedAt, ConfirmBy: e.RequestedAt.Add(e.Windows.Confirm),
	}).Get(ctx, nil)
}

func (e *accountExport) confirm(ctx workflow.Context) error {
	return workflow.ExecuteActivity(recording(ctx, "Make the key"), hands.ConfirmExport,
		activities.Confirm{Export: e.ID, Account: e.Account, By: e.confirmed.By}).Get(ctx, nil)
}

func (e *accountExport) collectCategory(ctx workflow.Context, c schema.Category) workflow.Future {
	return workflow.ExecuteActivity(streaming(ctx, "Read "+c.Title(), e.Windows.Collect), hands.CollectCategory,
		activities.Collect{Export: e.ID, Account: e.Account, Category: c})
}

func (e *accountExport) assemble(ctx workflow.Context) (archive activities.Assembled, err error) {
	err = workflow.ExecuteActivity(streaming(ctx, "Assemble the archive", e.Windows.Collect), hands.AssembleArchive,
		activities.Assemble{Export: e.ID, Account: e.Account}).Get(ctx, &archive)
	return archive, err
}

// complete reads back what was stored, and only then completes the export.
func (e *accountExport) complete(ctx workflow.Context, archive activities.Assembled) (ready activities.Completed, err error) {
	err = workflow.ExecuteActivity(streaming(ctx, "Verify what was stored", e.Windows.Collect), hands.CompleteExport,
		activities.Complete{Export: e.ID, Account: e.Account, Archive: archive, Windows: e.Windows}).Get(ctx, &ready)
	return ready, err
}

// remove never gives up.
func (e *accountExport) remove(ctx workflow.Context, ending schema.Ending) error {
	return workflow.ExecuteActivity(removing(ctx, "Remove everything"), hands.RemoveArchive,
		activities.Remove{Export: e.ID, Account: e.Account, Ending: ending, By: e.endedBy()}).Get(ctx, nil)
}

// mail sends in the background until it arrives, the deadline passes or ctx
// is cancelled; nobody waits for it.
func (e *accountExport) mail(ctx workflow.Context, kind activities.MailKind, generation int, deadline time.Time) {
	ctx = mailing(ctx, "Mail: "+string(kind), deadline.Sub(workflow.Now(ctx)))
	workflow.ExecuteActivity(ctx, hands.SendMail, activities.Mail{Export: e.ID, Account: e.Account, Kind: kind, Generation: generation})
}

// post leaves a mail to a run of its own, so that this one can close now.
func (e *accountExport) post(ctx workflow.Context, kind activities.MailKind) error {
	return post(ctx, activities.Mail{Export: e.ID, Account: e.Account, Kind: kind, Generation: 1})
}

// await waits until heard says so, and answers false once the time has come
// without. The timer does not outlive the wait.
func (e *accountExport) await(ctx workflow.Context, until time.Time, summary string, heard func() bool) (bool, error) {
	left := until.Sub(workflow.Now(ctx))
	if left <= 0 {
		return heard(), nil
	}
	waiting, stop := workflow.WithCancel(ctx)
	ok, err := workflow.AwaitWithOptions(waiting, workflow.AwaitOptions{
		Timeout: left, TimerOptions: workflow.TimerOptions{Summary: summary},
	}, heard)
	stop()
	return ok, err
}

// tell keeps operators informed: the status they can search by, and a line in
// the run's details.
func (e *accountExport) tell(ctx workflow.Context, status schema.Status, details string) {
	workflow.SetCurrentDetails(ctx, details)
	if err := workflow.UpsertTypedSearchAttributes(ctx, exportStatus.ValueSet(string(status))); err != nil {
		workflow.GetLogger(ctx).Warn("search attribute not set", "export", e.ID, "err", err)
	}
}

// endedBy is whoever asked for the end: a user, an operator, or nobody.
func (e *accountExport) endedBy() string {
	for _, order := range []*Order{e.removed, e.cancelled} {
		if order != nil {
			return order.By
		}
	}
	return activities.Satchel
}
