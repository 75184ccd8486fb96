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
	return a.downloads.Send(c, func(ctx context.Context) (download.Found, error) {
		d, err := a.download(ctx, p, export)
		if err != nil {
			return download.Found{}, err
		}
		owner, err := a.ownerOf(ctx, d.Account)
		if err != nil {
			return download.Found{}, err
		}
		return download.Found{
			Account: d.Account, Owner: owner, ID: d.Export, Left: d.Left(), Inflated: sent != gzipped,
			Open: func(ctx context.Context, lean bool) (download.File, error) {
				return a.openArchive(ctx, c, p, d, sent, lean)
			},
			StillAllowed: []func(context.Context) error{
				func(ctx context.Context) error { return auth.StillAllowed(ctx, c) },
				func(ctx context.Context) error { return a.store.DownloadAllowed(ctx, d.Account, d.Export) },
			},
		}, nil
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
func (a *API) openArchive(ctx context.Context, c echo.Context, p auth.Principal, d store.Download, sent coding, lean bool) (download.File, error) {
	stored, err := download.Object{
		Kind: "export", Account: d.Account, ID: d.Export, Wrapped: d.Wrapped, Key: d.ObjectKey, Size: d.GzipSize,
		Exists: func(ctx context.Context) error {
			_, err := a.store.Download(ctx, d.Account, d.Export)
			return err
		},
	}.Open(ctx, a.vault, lean)
	if err != nil {
		return download.File{}, err
	}
	describe(c.Response().Header(), d, sent)
	file := download.File{Object: stored, Modified: d.CompletedAt, BeforeSend: func(_ int64, whole bool) error {
		return a.store.AuditDownload(ctx, store.AuditEvent{
			Account: d.Account, Subject: d.Export, Actor: p.Actor(), Details: map[string]any{"whole": whole, "gzip": sent == gzipped},
		}, whole)
	}}
	if sent == gzipped {
		file.Content, file.Size = stored.Stream(), d.GzipSize
	} else {
		file.Content, file.Size = vault.NewTextReader(stored, d.GzipSize, d.Size, d.Segments), d.Size
	}
	return file, nil
}
