package api

import (
	"context"
	"log/slog"
	"slices"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/workflows/client"
)

// listed is how many exports a list holds: at one a day, a season's.
const listed = 100

// Get reads an export of the caller's account. One that was asked for a
// moment ago is there at once, before any worker has written its row; another
// account's is not there at all. Only what is not written needs Temporal.
func (a *API) Get(ctx context.Context, p auth.Principal, id string) (schema.Export, error) {
	if !schema.IsExportID(id) {
		return schema.Export{}, notFound()
	}
	e, err := a.store.ExportOf(ctx, p.Account, id)
	if schema.KindOf(err) != schema.NotFound {
		return e, err
	}
	run, open, err := a.openRun(ctx, p.Account, patience)
	if err != nil {
		return schema.Export{}, err
	}
	if !open || run.Export != id {
		return schema.Export{}, notFound()
	}
	return unwritten(p.Account, run), nil
}

// List reads the latest exports of the caller's account, newest first, as many
// as a list holds. While Temporal is away, it is what has been written: all but an export that was
// asked for a moment ago.
func (a *API) List(ctx context.Context, p auth.Principal) ([]schema.Export, error) {
	run, open, err := a.openRun(ctx, p.Account, listPatience)
	if schema.KindOf(err) == schema.Unavailable {
		slog.WarnContext(ctx, "exports are listed without Temporal", "account", p.Account, "err", err)
		err = nil
	}
	if err != nil {
		return nil, err
	}
	list, err := a.store.Exports(ctx, p.Account, listed)
	if err != nil {
		return nil, err
	}
	if open && !slices.ContainsFunc(list, func(e schema.Export) bool { return e.ID == run.Export }) {
		list = slices.Insert(list, 0, unwritten(p.Account, run))
	}
	return list, nil
}

// page is List, or where before names one of the exports, those that are older.
func (a *API) page(ctx context.Context, p auth.Principal, before string) ([]schema.Export, error) {
	switch {
	case before == "":
		return a.List(ctx, p)
	case !schema.IsExportID(before):
		return nil, schema.Errorf(schema.Invalid, "invalid_before", "What stands in before is not what a list called next.")
	}
	return a.store.ExportsBefore(ctx, p.Account, before, listed)
}

// unwritten is an export whose row no worker has written yet.
func unwritten(account string, run client.OpenRun) schema.Export {
	return schema.Export{
		ID: run.Export, Account: account, RequestedBy: run.RequestedBy, Status: schema.Pending,
		RequestedAt: run.RequestedAt, ConfirmBy: run.ConfirmBy, Generation: 1,
	}
}

func notFound() error {
	return schema.Errorf(schema.NotFound, "not_found", "There is no such export.")
}
