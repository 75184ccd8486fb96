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

// temporalTimeout is how long one call to Temporal may take before Temporal
// counts as unavailable. listTimeout is for lists, which are answered without it.
const (
	temporalTimeout = 8 * time.Second
	listTimeout     = 3 * time.Second
)

// start starts the export's run. It returns false where the account has an open
// run already.
func (a *API) start(ctx context.Context, in accountexport.AccountExportInput) (bool, error) {
	err := a.callTemporal(ctx, temporalTimeout, func(ctx context.Context) error {
		_, err := client.StartAccountExport(ctx, a.temporal, in)
		return err
	})
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		return false, nil
	}
	return err == nil, err
}

// openRun finds the account's open run. It returns false where there is none.
func (a *API) openRun(ctx context.Context, account string, timeout time.Duration) (run client.OpenRun, open bool, err error) {
	err = a.callTemporal(ctx, timeout, func(ctx context.Context) (err error) {
		run, open, err = client.FindOpen(ctx, a.temporal, account)
		return err
	})
	return run, open, err
}

// signal sends a signal to the account's open run, which ignores it unless it
// runs this export. It returns false where no run is open.
func (a *API) signal(ctx context.Context, e schema.Export, s accountexport.Signal, actor string) (sent bool, err error) {
	err = a.callTemporal(ctx, temporalTimeout, func(ctx context.Context) (err error) {
		sent, err = client.SignalExport(ctx, a.temporal, e.Account, s, accountexport.SignalPayload{Export: e.ID, By: actor, SeenStatus: e.Status})
		return err
	})
	a.watcher.expectChange(e.ID)
	return sent, err
}

// callTemporal calls Temporal with a timeout. The error is Unavailable where
// Temporal does not answer in time or says that it cannot. The call is finished
// even after the client has left: a call that is cancelled half-way can leave a
// Temporal on SQLite unable to answer any other.
func (a *API) callTemporal(ctx context.Context, timeout time.Duration, call func(context.Context) error) error {
	callCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	err := call(callCtx)
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err() // and not the error that the Temporal client derives from it
	case !isUnavailable(err):
		return err
	}
	unavailable := schema.Errorf(schema.Unavailable, schema.CodeTemporalUnavailable, "This is not possible right now. Please try again in a moment.")
	unavailable.RetryAfter, unavailable.Cause = temporalTimeout, err
	return unavailable
}

func isUnavailable(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	for _, matches := range []bool{
		isA[*serviceerror.Unavailable](err), isA[*serviceerror.DeadlineExceeded](err),
		isA[*serviceerror.ResourceExhausted](err), isA[*serviceerror.Canceled](err),
	} {
		if matches {
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
