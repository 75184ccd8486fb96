package bulk

import (
	"context"
	"strconv"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/auth"
	"satchel/server/download"
	"satchel/server/limit"
)

// sendFile handles GET and HEAD /files/{id}/{name}: it sends the gzip file itself, without
// Content-Encoding, so that no client decompresses it unasked. The signed link is the only
// authorization. The audit trail records the actor that the link was made for.
func (b *Bulk) sendFile(c echo.Context) error {
	until, err := strconv.ParseInt(c.QueryParam("exp"), 10, 64)
	if err != nil || !b.Links.VerifyFileSignature(c.Param("id"), c.QueryParam("by"), until, c.QueryParam("sig")) {
		return invalidLink()
	}
	if wait := b.linkRequests.Take(c.QueryParam("by")); wait > 0 {
		return limit.Refuse(limit.PrincipalRequests, schema.CodeTooManyRequests, wait, "Too many requests. Please try again less often.")
	}
	return b.Downloads.Send(c, func(ctx context.Context) (download.Found, error) {
		now, err := b.Store.Now(ctx)
		if err != nil {
			return download.Found{}, err
		}
		if now.Unix() >= until {
			return download.Found{}, schema.Errorf(schema.Forbidden, schema.CodeLinkExpired, "This link has expired. Fetch the day again to get a new link.")
		}
		f, wrapped, err := b.Store.OpenDayFile(ctx, c.Param("id"))
		if err != nil {
			return download.Found{}, err
		}
		if c.Param("name") != fileName(f) {
			return download.Found{}, invalidLink()
		}
		account, err := b.checkAccess(ctx, f.Account, c.QueryParam("by"))
		if err != nil {
			return download.Found{}, err
		}
		return download.Found{
			Account: f.Account, Owner: account.Owner(), ID: f.ID, Left: f.ExpiresAt.Sub(now),
			Open: func(ctx context.Context, lean bool) (download.File, error) { return b.open(ctx, c, f, wrapped, lean) },
			StillAllowed: []func(context.Context) error{
				func(ctx context.Context) error {
					_, err := b.checkAccess(ctx, f.Account, c.QueryParam("by"))
					return err
				},
				func(ctx context.Context) error { return b.Store.DayDownloadAllowed(ctx, f.ID, f.ExpiresAt) },
			},
		}, nil
	})
}

// checkAccess rejects links to files of an account that has been suspended or removed, or that
// were made for a user or credential that has lost its access, since they were made. It
// returns the account.
func (b *Bulk) checkAccess(ctx context.Context, account, actor string) (schema.Account, error) {
	found, err := b.checkAccountActive(ctx, account)
	if err != nil {
		return found, err
	}
	return found, auth.CheckActor(ctx, b.Directory, account, actor)
}

// checkAccountActive rejects links to files of an account that has been suspended or removed
// since they were made.
func (b *Bulk) checkAccountActive(ctx context.Context, account string) (schema.Account, error) {
	found, err := b.Directory.Account(ctx, account)
	if found.Suspended || schema.KindOf(err) == schema.NotFound {
		return found, schema.Errorf(schema.Forbidden, schema.CodeAccountSuspended, "The account that this file belongs to is suspended.")
	}
	return found, err
}

func invalidLink() error {
	return schema.Errorf(schema.Forbidden, schema.CodeLinkAltered, "This link is not valid. Fetch the day again to get a new link.")
}

// open opens a file and sets the response headers that describe it.
func (b *Bulk) open(ctx context.Context, c echo.Context, f schema.DayFile, wrapped []byte, lean bool) (download.File, error) {
	stored, err := download.Object{
		Kind: "day file", Account: f.Account, ID: f.ID, Wrapped: wrapped, Key: schema.DayFileObject(f.ID), Size: f.Size,
		Exists: func(ctx context.Context) error {
			_, _, err := b.Store.OpenDayFile(ctx, f.ID)
			return err
		},
	}.Open(ctx, b.Vault, lean)
	if err != nil {
		return download.File{}, err
	}
	download.Describe(c.Response().Header(), "application/gzip", fileName(f), f.SHA256)
	return download.File{
		Content: stored.Stream(), Object: stored, Size: f.Size, Modified: f.CreatedAt,
		BeforeSend: func(_ int64, whole bool) error {
			return b.Store.AuditDownload(ctx, store.AuditEvent{
				Account: f.Account, Subject: f.ID, Actor: c.QueryParam("by"), Details: map[string]any{"whole": whole},
			}, whole)
		},
	}, nil
}
