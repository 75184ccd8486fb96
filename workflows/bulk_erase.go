package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"satchel/activities"
	"satchel/schema"
)

// Erasing is what erasing an account's calls begins with.
type Erasing struct {
	Account string
	Limits  schema.BulkLimits
	Left    []schema.Day // whose files are still to be made again, of the run before this one
}

// Call is one call that somebody wants gone.
type Call struct {
	schema.Erasure
	By string // user or credential ID
}

const (
	eraseCall = "erase" // answers once no new file will contain the call
	// gather is how long to wait for more calls of the same days before their
	// files are made again.
	gather = 20 * time.Second
	// eraseAtOnce bounds what one activity is told.
	eraseAtOnce = 500
)

// EraseCalls erases calls of one account from the archive: what is asked for at
// the same time is noted at once, and the files of its days are then made again
// without it. It closes when there is nothing left to do.
func EraseCalls(ctx workflow.Context, in Erasing) error {
	e := &erasing{Erasing: in}
	for _, day := range in.Left {
		e.affected(day)
	}
	if err := workflow.SetUpdateHandler(ctx, eraseCall, e.erase); err != nil {
		return err
	}
	workflow.GoNamed(ctx, "noting", e.note)
	quiet := func() bool { return len(e.waiting) == 0 && workflow.AllHandlersFinished(ctx) }
	for {
		more, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
			Timeout: openWithin, TimerOptions: workflow.TimerOptions{Summary: "more calls"},
		}, func() bool { return len(e.days) > 0 })
		if err != nil {
			return err
		}
		if !more && quiet() {
			return nil
		}
		if err := workflow.NewTimerWithOptions(ctx, gather, workflow.TimerOptions{Summary: "gather"}).Get(ctx, nil); err != nil {
			return err
		}
		if err := e.makeAgain(ctx); err != nil {
			return err
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			if err := workflow.Await(ctx, quiet); err != nil {
				return err
			}
			return workflow.NewContinueAsNewError(ctx, EraseCalls, Erasing{Account: e.Account, Limits: e.Limits, Left: e.days})
		}
	}
}

type erasing struct {
	Erasing
	waiting []*wish      // to be noted
	days    []schema.Day // whose files are to be made again
}

// wish is one call somebody waits to hear of.
type wish struct {
	Call
	noted bool
	err   error
}

func (e *erasing) erase(ctx workflow.Context, call Call) error {
	w := &wish{Call: call}
	e.waiting = append(e.waiting, w)
	if err := workflow.Await(ctx, func() bool { return w.noted }); err != nil {
		return err
	}
	return w.err
}

// note notes all calls that wait, again and again.
func (e *erasing) note(ctx workflow.Context) {
	for workflow.Await(ctx, func() bool { return len(e.waiting) > 0 }) == nil {
		batch := e.waiting[:min(len(e.waiting), eraseAtOnce)]
		by := batch[0].By
		in := activities.Erase{Account: e.Account, By: by}
		var noted []*wish
		for _, w := range batch {
			if w.By == by {
				noted, in.Calls = append(noted, w), append(in.Calls, w.Erasure)
			}
		}
		err := workflow.ExecuteActivity(answering(ctx, "Note what is to be gone"), hands.EraseCalls, in).Get(ctx, nil)
		for _, w := range noted {
			w.noted, w.err = true, err
			if err == nil {
				e.affected(w.Day)
			}
		}
		var left []*wish
		for _, w := range e.waiting {
			if !w.noted {
				left = append(left, w)
			}
		}
		e.waiting = left
	}
}

func (e *erasing) affected(day schema.Day) {
	for _, known := range e.days {
		if known == day {
			return
		}
	}
	e.days = append(e.days, day)
}

// makeAgain makes the files of all affected days again, one after the other. One
// that cannot be made again is tried until it can: what is in it was to be gone.
func (e *erasing) makeAgain(ctx workflow.Context) error {
	for len(e.days) > 0 && !workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
		day, limits := e.days[0], e.Limits.Filled()
		e.days = e.days[1:]
		limits.Patience = min(limits.Patience, littlePatience) // then it is the next one's turn
		if _, err := writeDay(ctx, Day{Account: e.Account, Type: schema.Calls, Day: day, Again: true, Limits: limits}); err != nil {
			e.affected(day)
			if err := workflow.Sleep(ctx, time.Minute); err != nil {
				return err
			}
		}
	}
	return nil
}
