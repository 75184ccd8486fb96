package api_test

import (
	"context"
	"strings"
	"time"

	"satchel/activities"
	"satchel/activities/accountexport"
	"satchel/schema"
	"satchel/schema/store"
)

// fakeActivities write real rows, and neither files nor mails.
type fakeActivities struct {
	store *store.AccountExports
	mails chan activities.SendEmailInput
}

func (fx *fixture) fakeActivities() *fakeActivities {
	return &fakeActivities{fx.store, make(chan activities.SendEmailInput, 100)}
}

func (h *fakeActivities) OpenExport(ctx context.Context, in accountexport.OpenExportInput) error {
	return h.store.OpenExport(ctx, schema.NewExport{
		Export: in.Export, Account: in.Account, RequestedBy: in.RequestedBy, RequestedAt: in.RequestedAt, ConfirmBy: in.ConfirmBy,
	})
}

func (h *fakeActivities) ConfirmExport(ctx context.Context, in accountexport.ConfirmExportInput) error {
	return h.store.ConfirmExport(ctx, in.Export, in.By, "age1recipient", []byte("wrapped"))
}

func (h *fakeActivities) CollectCategory(ctx context.Context, in accountexport.CollectCategoryInput) error {
	if _, err := h.store.StartCollecting(ctx, in.Export); err != nil {
		return err
	}
	if err := h.store.BeginCategory(ctx, in.Export, in.Category, 0); err != nil {
		return err
	}
	return h.store.FinishCategory(ctx, in.Export, in.Category, "", schema.Checkpoint{}, time.Now())
}

func (h *fakeActivities) AssembleArchive(context.Context, accountexport.AssembleArchiveInput) (accountexport.AssembleArchiveResult, error) {
	sum := strings.Repeat("ab", 32)
	return accountexport.AssembleArchiveResult{Archive: schema.Archive{ObjectKey: "archive", Size: 100, SHA256: sum, GzipSize: 50, GzipSHA256: sum}}, nil
}

func (h *fakeActivities) CompleteExport(ctx context.Context, in accountexport.CompleteExportInput) (accountexport.CompleteExportResult, error) {
	e, err := h.store.CompleteExport(ctx, in.Export, in.Archive.Archive, in.Windows)
	if err != nil {
		return accountexport.CompleteExportResult{}, err
	}
	return accountexport.CompleteExportResult{CompletedAt: *e.CompletedAt, ExpiresAt: *e.ExpiresAt, AvailableAgainAt: *e.AvailableAgainAt}, nil
}

func (h *fakeActivities) ConfirmWindowLeft(context.Context, accountexport.ConfirmWindowLeftInput) (time.Duration, error) {
	return 0, nil
}

func (h *fakeActivities) BeginRemoval(ctx context.Context, in accountexport.RemoveArchiveInput) (bool, error) {
	return h.store.BeginRemoval(ctx, in.Export, in.Ending, in.By)
}

func (h *fakeActivities) RemoveArchive(ctx context.Context, in accountexport.RemoveArchiveInput) error {
	return h.store.EndExport(ctx, in.Export, in.Ending, in.By, schema.Certificate{})
}

func (h *fakeActivities) SendEmail(_ context.Context, in activities.SendEmailInput) error {
	h.mails <- in
	return nil
}
