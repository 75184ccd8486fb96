package bulk

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"

	"github.com/labstack/echo/v4"

	"satchel/activities/vault"
	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/api"
)

// sendFile handles GET and HEAD /files/{id}/{name}: it sends the gzip file itself, without
// Content-Encoding, so that no client decompresses it unasked. The signed link is the only
// authorization. The audit trail records the actor that the link was made for.
func (b *Bulk) sendFile(c echo.Context) error {
	until, err := strconv.ParseInt(c.QueryParam("exp"), 10, 64)
	if err != nil || !b.Links.IsFileLink(c.Param("id"), c.QueryParam("by"), until, c.QueryParam("sig")) {
		return invalidLink()
	}
	return api.SendFile(c, func(ctx context.Context) (api.File, error) {
		now, err := b.Store.Now(ctx)
		if err != nil {
			return api.File{}, err
		}
		if now.Unix() >= until {
			return api.File{}, schema.Errorf(schema.Forbidden, "link_expired", "This link has expired. Fetch the day again to get a new link.")
		}
		f, wrapped, err := b.Store.OpenDayFile(ctx, c.Param("id"))
		if err != nil {
			return api.File{}, err
		}
		if c.Param("name") != fileName(f) {
			return api.File{}, invalidLink()
		}
		if err := b.checkAccountActive(ctx, f.Account); err != nil {
			return api.File{}, err
		}
		return b.open(ctx, c, f, wrapped)
	})
}

// checkAccountActive rejects links to files of an account that has been suspended or removed
// since they were made.
func (b *Bulk) checkAccountActive(ctx context.Context, account string) error {
	of, err := b.Directory.Account(ctx, account)
	if of.Suspended || schema.KindOf(err) == schema.NotFound {
		return schema.Errorf(schema.Forbidden, "account_suspended", "The account that this file belongs to is suspended.")
	}
	return err
}

func invalidLink() error {
	return schema.Errorf(schema.Forbidden, "link_altered", "This link is not valid. Fetch the day again to get a new link.")
}

// open decrypts a file and sets the response headers that describe it.
func (b *Bulk) open(ctx context.Context, c echo.Context, f schema.DayFile, wrapped []byte) (api.File, error) {
	identity, err := b.Vault.Unwrap(ctx, wrapped, f.Account, f.ID)
	if err != nil {
		return api.File{}, fmt.Errorf("unlock day file %s: %w", f.ID, err)
	}
	stored, err := b.Vault.OpenAt(ctx, schema.DayObject(f.ID), identity)
	if errors.Is(err, vault.ErrNotFound) {
		return api.File{}, b.missing(ctx, f, err)
	}
	if err != nil {
		return api.File{}, fmt.Errorf("open day file %s: %w", f.ID, err)
	}
	if stored.Size() != f.Size {
		_ = stored.Close() // nothing was read from it
		return api.File{}, fmt.Errorf("open day file %s: %d bytes are stored, and %d should be", f.ID, stored.Size(), f.Size)
	}
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "application/gzip")
	h.Set(echo.HeaderContentDisposition, fmt.Sprintf(`attachment; filename=%q`, fileName(f)))
	h.Set(echo.HeaderCacheControl, "private, no-store")
	h.Set("ETag", `"`+f.SHA256+`"`)
	if sum, err := hex.DecodeString(f.SHA256); err == nil {
		h.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum)+":")
	}
	content := stored.Stream()
	return api.File{
		ReadSeeker: content, Closer: both{content, stored}, Size: f.Size, Modified: f.CreatedAt,
		Leaving: func(from int64, whole bool) error {
			return b.Store.Audit(ctx, store.Event{
				Account: f.Account, Subject: f.ID, Actor: c.QueryParam("by"), Action: store.Downloaded,
				Details: map[string]any{"from": from, "whole": whole},
			})
		},
	}, nil
}

// missing distinguishes a file that was removed during the request from one that should be
// stored but is not.
func (b *Bulk) missing(ctx context.Context, f schema.DayFile, cause error) error {
	if _, _, err := b.Store.OpenDayFile(ctx, f.ID); err != nil {
		return err
	}
	slog.ErrorContext(ctx, "a day file is missing from the bucket", "account", f.Account, "file", f.ID)
	return fmt.Errorf("open day file %s: %w", f.ID, cause)
}

// both closes two closers in order.
type both [2]io.Closer

func (c both) Close() error { return errors.Join(c[0].Close(), c[1].Close()) }
