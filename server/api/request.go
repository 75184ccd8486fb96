package api

import (
	"context"
	"errors"
	"time"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/server/limit"
	"satchel/server/respond"
	"satchel/workflows/accountexport"
	"satchel/workflows/client"
)

// BusyError rejects a request for an export because of another export.
// AvailableAt is when the next may be requested, as far as is known now; it is
// nil where that is not known.
type BusyError struct {
	Err         *schema.Error
	ExportID    string
	AvailableAt *time.Time
}

func (e *BusyError) Error() string { return e.Err.Error() }

func (e *BusyError) Unwrap() error { return e.Err }

// ProblemMembers implements respond.Extended: both members are always there.
func (e *BusyError) ProblemMembers() any {
	return struct {
		ExportID    string  `json:"exportId"`
		AvailableAt *string `json:"availableAt"`
	}{e.ExportID, respond.TimestampOrNull(e.AvailableAt)}
}

var _ respond.Extended = (*BusyError)(nil)

// Request starts an export. With an idempotency key, which may be "", the same
// requester always gets the same export for the same key, whatever its status.
// The error is a *BusyError where another export is under way or the account is
// in its cooldown, and Limited where the account requests too often.
func (a *API) Request(ctx context.Context, p auth.Principal, key string) (schema.Export, error) {
	now, err := a.store.Now(ctx) // the clock that decides until when it can be confirmed
	if err != nil {
		return schema.Export{}, err
	}
	in := accountexport.AccountExportInput{
		ID: schema.NewExportID(), Account: p.Account, RequestedBy: p.User,
		RequestedAt: now.UTC().Truncate(time.Millisecond), Windows: a.windows, Categories: schema.Categories,
	}
	if key != "" {
		if err := checkKey(key); err != nil {
			return schema.Export{}, err
		}
		in.ID = schema.ExportIDFor(a.secret, p.Account, p.Actor(), key)
		if e, err := a.Get(ctx, p, in.ID); schema.KindOf(err) != schema.NotFound {
			return e, err
		}
	}
	deadline := time.NewTimer(closeTimeout)
	defer deadline.Stop()
	for {
		e, err := a.request(ctx, p, in)
		if !errors.Is(err, errClosing) {
			return e, err
		}
		select {
		case <-time.After(closeTimeout / 20):
		case <-deadline.C:
			return schema.Export{}, err
		case <-ctx.Done():
			return schema.Export{}, ctx.Err()
		}
	}
}

// closeTimeout is how long a request waits for the run of an export that has
// ended to close. With a worker up, that takes a moment.
const closeTimeout = 2 * time.Second

var errClosing = &schema.Error{
	Kind: schema.Unavailable, Code: schema.CodeClosing, Message: "Your last export is just being closed. Please try again.", RetryAfter: closeTimeout,
}

// request starts the export, or returns an error that says what prevents it:
// errClosing where that is a run about to close.
func (a *API) request(ctx context.Context, p auth.Principal, in accountexport.AccountExportInput) (schema.Export, error) {
	if err := a.checkCooldown(ctx, p.Account); err != nil {
		return schema.Export{}, err
	}
	if err := a.checkRequests(ctx, p); err != nil {
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
	run, open, err := a.openRun(ctx, p.Account, temporalTimeout)
	switch {
	case err != nil:
		return schema.Export{}, err
	case !open:
		return schema.Export{}, errClosing
	case run.Export == in.ID: // the same request, sent twice
		return a.Get(ctx, p, in.ID)
	}
	return schema.Export{}, a.activeExport(ctx, p, run.Export)
}

// activeExport returns the error for a request while another export's run is open.
func (a *API) activeExport(ctx context.Context, p auth.Principal, id string) error {
	if err := a.checkCooldown(ctx, p.Account); err != nil {
		return err
	}
	e, err := a.Get(ctx, p, id)
	switch {
	case schema.KindOf(err) == schema.NotFound, err == nil && e.Status.Ended():
		return errClosing
	case err != nil:
		return err
	}
	available := e.ExpiresAt // nil unless it is completed
	if e.Status == schema.Pending {
		available = &e.ConfirmBy // when it lapses, unless it is confirmed
	}
	if available != nil {
		now, err := a.store.Now(ctx)
		if err != nil {
			return err
		}
		if !available.After(now) {
			return errClosing // its time is over, and its run is about to end it
		}
	}
	return &BusyError{
		Err:      schema.Errorf(schema.Conflict, schema.CodeExportActive, "An export of this account is already under way."),
		ExportID: e.ID, AvailableAt: available,
	}
}

// An account may request this many exports in an hour, unless the deployment says
// otherwise: each is mailed to its owners and admins, and one that is cancelled leaves
// no cooldown.
const (
	defaultExportsPerHour = 10
	requestWindow         = time.Hour
)

// checkRequests returns an error where the account has requested too many exports:
// which one is under way, or that it must wait.
func (a *API) checkRequests(ctx context.Context, p auth.Principal) error {
	wait, err := a.store.RequestWait(ctx, p.Account, a.exportsPerHour, requestWindow)
	if err != nil || wait == 0 {
		return err
	}
	run, open, err := a.openRun(ctx, p.Account, temporalTimeout)
	switch {
	case err != nil:
		return err
	case open:
		return a.activeExport(ctx, p, run.Export)
	}
	return limit.Refuse(limit.ExportRequests, schema.CodeTooManyExports, wait,
		"Too many exports of this account were requested within an hour. Please wait before you request the next one.")
}

// checkCooldown returns a *BusyError while the account's last completed export is
// too recent, by the database's clock.
func (a *API) checkCooldown(ctx context.Context, account string) error {
	e, cooling, err := a.store.ActiveCooldown(ctx, account)
	if err != nil || !cooling {
		return err
	}
	available := e.AvailableAgainAt
	if e.Status == schema.Completed && e.ExpiresAt.After(*available) {
		available = e.ExpiresAt // the run stays open as long as the file exists
	}
	return &BusyError{
		Err:      schema.Errorf(schema.Conflict, schema.CodeCooldown, "Your last export was completed only recently. Please wait before you request the next one."),
		ExportID: e.ID, AvailableAt: available,
	}
}

// checkKey accepts up to 255 printable ASCII characters.
func checkKey(key string) error {
	if len(key) > 255 {
		return schema.Errorf(schema.Invalid, schema.CodeInvalidIdempotencyKey, "An Idempotency-Key can have at most 255 characters.")
	}
	for i := range len(key) {
		if key[i] < ' ' || key[i] > '~' {
			return schema.Errorf(schema.Invalid, schema.CodeInvalidIdempotencyKey, "An Idempotency-Key can contain only printable ASCII characters.")
		}
	}
	return nil
}
