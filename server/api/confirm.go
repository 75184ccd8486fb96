package api

import (
	"context"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/workflows/accountexport"
)

// Confirm has an export made that waits for its confirmation, while its
// window is open by the database's clock. Confirming it again changes nothing.
// That the caller has the mailed link is for the page to check.
func (a *API) Confirm(ctx context.Context, p auth.Principal, id string) (schema.Export, error) {
	return a.give(ctx, p, id, order{
		signal: accountexport.Confirmed,
		check: func(e schema.Export) (done bool, err error) {
			switch {
			case e.Status == schema.Cancelled:
				err = schema.Errorf(schema.Gone, "cancelled", "This export was stopped. You can ask for a new one.")
			case e.Status.Ended():
				err = schema.Errorf(schema.Gone, "already_ended", "This export has ended. You can ask for a new one.")
			case e.Status == schema.Pending:
				err = a.inTime(ctx, e)
			}
			return e.Status != schema.Pending, err
		},
	})
}

// inTime refuses to confirm an export whose window is over by the database's
// clock, also where nobody was up to end it.
func (a *API) inTime(ctx context.Context, e schema.Export) error {
	now, err := a.store.Now(ctx)
	if err == nil && !now.Before(e.ConfirmBy) {
		err = schema.Errorf(schema.Gone, "lapsed", "Nobody confirmed this export in time. You can ask for a new one.")
	}
	return err
}
