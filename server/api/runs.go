package api

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"satchel/schema"
	"satchel/workflows/accountexport"
	"satchel/workflows/client"
)

// patience is how long Temporal may take for one answer before it counts as
// away, and listPatience where there is an answer without it, which is to come
// in good time.
const (
	patience     = 8 * time.Second
	listPatience = 3 * time.Second
)

// start starts the export, and answers false where the account has a run
// open already.
func (a *API) start(ctx context.Context, in accountexport.AccountExportInput) (bool, error) {
	err := a.ask(ctx, patience, func(ctx context.Context) error {
		_, err := client.StartAccountExport(ctx, a.temporal, in)
		return err
	})
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		return false, nil
	}
	return err == nil, err
}

// openRun finds the account's open run, and answers false where there is none.
func (a *API) openRun(ctx context.Context, account string, within time.Duration) (run client.OpenRun, open bool, err error) {
	err = a.ask(ctx, within, func(ctx context.Context) (err error) {
		run, open, err = client.FindOpen(ctx, a.temporal, account)
		return err
	})
	return run, open, err
}

// signal sends a signal to the account's open run, which knows by the export
// whether it is meant. It answers false where no run is open.
func (a *API) signal(ctx context.Context, e schema.Export, s accountexport.Signal, by string) (told bool, err error) {
	err = a.ask(ctx, patience, func(ctx context.Context) (err error) {
		told, err = client.SignalExport(ctx, a.temporal, e.Account, s, accountexport.SignalPayload{Export: e.ID, By: by, SeenStatus: e.Status})
		return err
	})
	return told, err
}

// ask puts one question to Temporal. Where it does not answer in time, or says
// that it cannot, the error is Unavailable. What is asked is asked to the end,
// also where whoever wanted to know has left: a call that is broken off in the
// middle can leave a Temporal on SQLite unable to answer anybody.
func (a *API) ask(ctx context.Context, within time.Duration, question func(context.Context) error) error {
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
	defer cancel()
	err := question(asking)
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err() // whatever Temporal's client made of it
	case !temporalAway(err):
		return err
	}
	away := schema.Errorf(schema.Unavailable, "temporal_unavailable", "We cannot do this right now. Please try again soon.")
	away.RetryAfter, away.Cause = patience, err
	return away
}

func temporalAway(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	for _, is := range []bool{
		isA[*serviceerror.Unavailable](err), isA[*serviceerror.DeadlineExceeded](err),
		isA[*serviceerror.ResourceExhausted](err), isA[*serviceerror.Canceled](err),
	} {
		if is {
			return true
		}
	}
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted:
		return true
	}
	return false
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
