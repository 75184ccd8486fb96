package bulk

import (
	"context"
	"strconv"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/download"
)

// sendFile handles GET and HEAD /files/{id}/{name}: it sends the gzip file itself, without
// Content-Encoding, so that no client decompresses it unasked. The signed link is the only
// authorization. The audit trail records the actor that the link was made for.
func (b *Bulk) sendFile(c echo.Context) error {
	until, err := strconv.ParseInt(c.QueryParam("exp"), 10, 64)
	if err != nil || !b.Links.VerifyFileSignature(c.Param("id"), c.QueryParam("by"), until, c.QueryParam("sig")) {
		return invalidLink()
	}
	return download.Send(c, func(ctx context.Context) (download.File, error) {
		now, err := b.Store.Now(ctx)
		if err != nil {
			return download.File{}, err
		}
		if now.Unix() >= until {
			return download.File{}, schema.Errorf(schema.Forbidden, schema.CodeLinkExpired, "This link has expired. Fetch the day again to get a new link.")
		}
		f, wrapped, err := b.Store.OpenDayFile(ctx, c.Param("id"))
		if err != nil {
			return download.File{}, err
		}
		if c.Param("name") != fileName(f) {
			return download.File{}, invalidLink()
		}
		if err := b.checkAccountActive(ctx, f.Account); err != nil {
			return download.File{}, err
		}
		return b.open(ctx, c, f, wrapped)
	})
}

// checkAccountActive rejects links to files of an account that has been suspended or removed
// since they were made.
func (b *Bulk) checkAccountActive(ctx context.Context, account string) error {
	found, err := b.Directory.Account(ctx, account)
	if found.Suspended || schema.KindOf(err) == schema.NotFound {
		return schema.Errorf(schema.Forbidden, schema.CodeAccountSuspended, "The account that this file belongs to is suspended.")
	}
	return err
}

func invalidLink() error {
	return schema.Errorf(schema.Forbidden, schema.CodeLinkAltered, "This link is not valid. Fetch the day again to get a new link.")
}

// open opens a file and sets the response headers that describe it.
func (b *Bulk) open(ctx context.Context, c echo.Context, f schema.DayFile, wrapped []byte) (download.File, error) {
	stored, err := download.Object{
		Kind: "day file", Account: f.Account, ID: f.ID, Wrapped: wrapped, Key: schema.DayFileObject(f.ID), Size: f.Size,
		Exists: func(ctx context.Context) error {
			_, _, err := b.Store.OpenDayFile(ctx, f.ID)
			return err
		},
	}.Open(ctx, b.Vault)
	if err != nil {
		return download.File{}, err
	}
	download.Describe(c.Response().Header(), "application/gzip", fileName(f), f.SHA256)
	return download.File{
		Content: stored.Stream(), Object: stored, Size: f.Size, Modified: f.CreatedAt,
		BeforeSend: func(offset int64, whole bool) error {
			return b.Store.Audit(ctx, store.AuditEvent{
				Account: f.Account, Subject: f.ID, Actor: c.QueryParam("by"), Action: store.ActionDownloaded,
				Details: map[string]any{"from": offset, "whole": whole},
			})
		},
	}, nil
}
