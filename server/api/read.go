package api

import (
	"context"
	"log/slog"
	"slices"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/workflows/client"
)

// pageSize is how many exports a page of a list has.
const pageSize = 100

// Get reads an export of the principal's account. An export whose row no worker
// has written yet is read from its run. The error for another account's export
// is NotFound. Only an export without a row needs Temporal.
func (a *API) Get(ctx context.Context, p auth.Principal, id string) (schema.Export, error) {
	if !schema.IsExportID(id) {
		return schema.Export{}, notFound()
	}
	e, err := a.store.AccountExport(ctx, p.Account, id)
	if schema.KindOf(err) != schema.NotFound {
		return e, err
	}
	run, open, err := a.openRun(ctx, p.Account, temporalTimeout)
	if err != nil {
		return schema.Export{}, err
	}
	if !open || run.Export != id {
		return schema.Export{}, notFound()
	}
	return unwritten(p.Account, run), nil
}

// List reads the latest exports of the principal's account, newest first, up to
// pageSize. While Temporal is unavailable, an export whose row is not written
// yet is missing.
func (a *API) List(ctx context.Context, p auth.Principal) ([]schema.Export, error) {
	run, open, err := a.openRun(ctx, p.Account, listTimeout)
	if schema.KindOf(err) == schema.Unavailable {
		slog.WarnContext(ctx, "exports are listed without Temporal", "account", p.Account, "err", err)
		err = nil
	}
	if err != nil {
		return nil, err
	}
	list, err := a.store.Exports(ctx, p.Account, pageSize)
	if err != nil {
		return nil, err
	}
	if open && !slices.ContainsFunc(list, func(e schema.Export) bool { return e.ID == run.Export }) {
		list = slices.Insert(list, 0, unwritten(p.Account, run))
	}
	return list, nil
}

// page is List, or, where before is the ID of an export, the exports before it.
func (a *API) page(ctx context.Context, p auth.Principal, before string) ([]schema.Export, error) {
	switch {
	case before == "":
		return a.List(ctx, p)
	case !schema.IsExportID(before):
		return nil, schema.Errorf(schema.Invalid, schema.CodeInvalidBefore, "The value of before was not returned as next by this list.")
	}
	return a.store.ExportsBefore(ctx, p.Account, before, pageSize)
}

// unwritten makes an export from its run, while no worker has written its row.
func unwritten(account string, run client.OpenRun) schema.Export {
	return schema.Export{
		ID: run.Export, Account: account, RequestedBy: run.RequestedBy, Status: schema.Pending,
		RequestedAt: run.RequestedAt, ConfirmBy: run.ConfirmBy, LinkVersion: 1,
	}
}

func notFound() error {
	return schema.Errorf(schema.NotFound, schema.CodeNotFound, "There is no such export.")
}
