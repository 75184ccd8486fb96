package api

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"satchel/activities/vault"
	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/auth"
	"satchel/server/download"
)

// ServeArchive sends the archive of an export of the principal's account: as it
// is stored, compressed, to clients that accept gzip, and decompressed to others.
// Both codings have ranges and a strong ETag of their own. The download is written
// to the audit trail before the first byte is sent.
func (a *API) ServeArchive(c echo.Context, p auth.Principal, export string) error {
	sent, ok := negotiate(c.Request().Header.Values(echo.HeaderAcceptEncoding))
	if !ok {
		return echo.NewHTTPError(http.StatusNotAcceptable)
	}
	return download.Send(c, func(ctx context.Context) (download.File, error) {
		d, err := a.download(ctx, p, export)
		if err != nil {
			return download.File{}, err
		}
		file, err := a.openArchive(ctx, d, sent)
		if err != nil {
			return download.File{}, err
		}
		describe(c.Response().Header(), d, sent)
		file.Modified = d.CompletedAt
		file.BeforeSend = func(offset int64, whole bool) error {
			return a.store.Audit(ctx, store.AuditEvent{
				Account: d.Account, Subject: d.Export, Actor: p.Actor(), Action: store.ActionDownloaded,
				Details: map[string]any{"from": offset, "whole": whole, "gzip": sent == gzipped},
			})
		}
		return file, nil
	})
}

// download reads what the database knows of the archive. The error is a
// Conflict for an export that has no archive yet, be its row written or not.
func (a *API) download(ctx context.Context, p auth.Principal, export string) (store.Download, error) {
	if !schema.IsExportID(export) {
		return store.Download{}, notFound()
	}
	d, err := a.store.Download(ctx, p.Account, export)
	if schema.KindOf(err) != schema.NotFound {
		return d, err
	}
	if _, err := a.Get(ctx, p, export); err != nil {
		return store.Download{}, err
	}
	return store.Download{}, conflict(schema.CodeNotReady, "The file is not ready yet.")
}

// FileName is the name under which the archive of an export that was completed
// at this time is saved.
func FileName(completed time.Time) string {
	return "account-export-" + completed.UTC().Format(time.DateOnly) + ".json"
}

// describe sets the headers of the archive in the coding that is sent.
// X-Content-SHA256 is always that of the JSON document, in hex; Repr-Digest that
// of the coding.
func describe(h http.Header, d store.Download, sent coding) {
	sum := d.SHA256
	if sent == gzipped {
		sum = d.GzipSHA256
		h.Set(echo.HeaderContentEncoding, string(gzipped))
	}
	download.Describe(h, "application/json", FileName(d.CompletedAt), sum)
	h.Add(echo.HeaderVary, echo.HeaderAcceptEncoding)
	h.Set("X-Content-SHA256", d.SHA256)
}

// openArchive opens the archive in the coding that is sent.
func (a *API) openArchive(ctx context.Context, d store.Download, sent coding) (download.File, error) {
	stored, err := download.Object{
		Kind: "export", Account: d.Account, ID: d.Export, Wrapped: d.Wrapped, Key: d.ObjectKey, Size: d.GzipSize,
		Exists: func(ctx context.Context) error {
			_, err := a.store.Download(ctx, d.Account, d.Export)
			return err
		},
	}.Open(ctx, a.vault)
	if err != nil {
		return download.File{}, err
	}
	if sent == gzipped {
		return download.File{Content: stored.Stream(), Object: stored, Size: d.GzipSize}, nil
	}
	return download.File{Content: vault.NewTextReader(stored, d.GzipSize, d.Size, d.Segments), Object: stored, Size: d.Size}, nil
}
