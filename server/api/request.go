package api

import (
	"context"
	"errors"
	"time"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/workflows/accountexport"
	"satchel/workflows/client"
)

// BusyError refuses a new export because of another one. AvailableAt is when
// the next may be asked for, as things stand, and nil while nobody can know.
type BusyError struct {
	Err         *schema.Error
	ExportID    string
	AvailableAt *time.Time
}

func (e *BusyError) Error() string { return e.Err.Error() }

func (e *BusyError) Unwrap() error { return e.Err }

// Request asks for an export. With an Idempotency-Key the same requester gets
// the same export for the same key, however often they ask and whatever has
// become of it; key may be "". The error is a *BusyError where another export
// is under way or the account is in its cooldown.
func (a *API) Request(ctx context.Context, p auth.Principal, key string) (schema.Export, error) {
	in := accountexport.AccountExportInput{
		ID: schema.NewExportID(), Account: p.Account, RequestedBy: p.User,
		RequestedAt: a.now().UTC().Truncate(time.Millisecond), Windows: a.windows, Categories: schema.Categories,
	}
	if key != "" {
		if err := checkKey(key); err != nil {
			return schema.Export{}, err
		}
		in.ID = schema.ExportIDFor(a.secret, p.Account, by(p), key)
		if e, err := a.Get(ctx, p, in.ID); schema.KindOf(err) != schema.NotFound {
			return e, err
		}
	}
	deadline := time.NewTimer(closing)
	defer deadline.Stop()
	for {
		e, err := a.request(ctx, p, in)
		if !errors.Is(err, errClosing) {
			return e, err
		}
		select {
		case <-time.After(closing / 20):
		case <-deadline.C:
			return schema.Export{}, err
		case <-ctx.Done():
			return schema.Export{}, ctx.Err()
		}
	}
}

// closing is how long a run whose export has ended may take to close while a
// request waits for it; it is a moment where a worker is up.
const closing = 2 * time.Second

var errClosing = &schema.Error{
	Kind: schema.Unavailable, Code: "closing", Message: "Your last export is just being closed. Please try again.", RetryAfter: closing,
}

// request starts the export or says what is in the way: errClosing where that
// is the last moment of a run.
func (a *API) request(ctx context.Context, p auth.Principal, in accountexport.AccountExportInput) (schema.Export, error) {
	if err := a.cooling(ctx, p.Account); err != nil {
		return schema.Export{}, err
	}
	started, err := a.start(ctx, in)
	if err != nil {
		return schema.Export{}, err
	}
	if started {
		return unwritten(p.Account, client.OpenRun{
			Export: in.ID, RequestedBy: in.RequestedBy, RequestedAt: in.RequestedAt, ConfirmBy: in.RequestedAt.Add(in.Windows.Confirm),
		}), nil
	}
	run, open, err := a.openRun(ctx, p.Account, patience)
	switch {
	case err != nil:
		return schema.Export{}, err
	case !open:
		return schema.Export{}, errClosing
	case run.Export == in.ID: // the same request, told twice
		return a.Get(ctx, p, in.ID)
	}
	return schema.Export{}, a.inTheWay(ctx, p, run.Export)
}

// inTheWay says why the export with the open run keeps others from starting.
func (a *API) inTheWay(ctx context.Context, p auth.Principal, id string) error {
	if err := a.cooling(ctx, p.Account); err != nil {
		return err
	}
	e, err := a.Get(ctx, p, id)
	switch {
	case schema.KindOf(err) == schema.NotFound, err == nil && e.Status.Ended():
		return errClosing
	case err != nil:
		return err
	}
	available := e.ExpiresAt // nil until it is completed
	if e.Status == schema.Pending {
		available = &e.ConfirmBy // when it lapses, unless somebody confirms
	}
	if available != nil && !available.After(a.now()) {
		return errClosing // its time is over, and its run is about to notice
	}
	return &BusyError{
		Err:      schema.Errorf(schema.Conflict, "export_active", "An export of this account is already under way."),
		ExportID: e.ID, AvailableAt: available,
	}
}

// cooling refuses while the account's last completed export is too recent, by
// the database's clock.
func (a *API) cooling(ctx context.Context, account string) error {
	e, cooling, err := a.store.Cooling(ctx, account)
	if err != nil || !cooling {
		return err
	}
	available := e.AvailableAgainAt
	if e.Status == schema.Completed && e.ExpiresAt.After(*available) {
		available = e.ExpiresAt // its run stays open as long as its file
	}
	return &BusyError{
		Err:      schema.Errorf(schema.Conflict, "cooldown", "Your last export was completed a short while ago. Please wait before asking for the next."),
		ExportID: e.ID, AvailableAt: available,
	}
}

// checkKey takes an Idempotency-Key of up to 255 printable ASCII characters.
func checkKey(key string) error {
	if len(key) > 255 {
		return schema.Errorf(schema.Invalid, "invalid_idempotency_key", "An Idempotency-Key has at most 255 characters.")
	}
	for i := range len(key) {
		if key[i] < ' ' || key[i] > '~' {
			return schema.Errorf(schema.Invalid, "invalid_idempotency_key", "An Idempotency-Key is made of printable ASCII characters.")
		}
	}
	return nil
}

// by names who is asking, where deeds are written down: a user, else the
// credential that came.
func by(p auth.Principal) string {
	if p.User != "" {
		return p.User
	}
	return p.Credential
}
