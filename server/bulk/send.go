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

// sendFile answers GET and HEAD /files/{id}/{name}: the gzip file itself, which
// is never sent as a Content-Encoding, so that no client inflates it unasked.
// The link is all the authority there is; in the audit trail it is used by the
// one it was given to.
func (b *Bulk) sendFile(c echo.Context) error {
	until, err := strconv.ParseInt(c.QueryParam("exp"), 10, 64)
	if err != nil || !b.Links.IsFileLink(c.Param("id"), c.QueryParam("by"), until, c.QueryParam("sig")) {
		return altered()
	}
	return api.SendFile(c, func(ctx context.Context) (api.File, error) {
		now, err := b.Store.Now(ctx)
		if err != nil {
			return api.File{}, err
		}
		if now.Unix() >= until {
			return api.File{}, schema.Errorf(schema.Forbidden, "link_expired", "The link has expired. Fetch a new one from the day's address.")
		}
		f, wrapped, err := b.Store.OpenDayFile(ctx, c.Param("id"))
		if err != nil {
			return api.File{}, err
		}
		if c.Param("name") != fileName(f) {
			return api.File{}, altered()
		}
		if err := b.mayBeSent(ctx, f.Account); err != nil {
			return api.File{}, err
		}
		return b.open(ctx, c, f, wrapped)
	})
}

// mayBeSent refuses the files of an account that is suspended or gone, whose
// links were handed out before.
func (b *Bulk) mayBeSent(ctx context.Context, account string) error {
	of, err := b.Directory.Account(ctx, account)
	if of.Suspended || schema.KindOf(err) == schema.NotFound {
		return schema.Errorf(schema.Forbidden, "account_suspended", "The account that this file is of is suspended.")
	}
	return err
}

func altered() error {
	return schema.Errorf(schema.Forbidden, "link_altered", "The link is not one that was given out. Fetch a new one from the day's address.")
}

// open unlocks a file and says in the answer's headers what it is.
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
		_ = stored.Close() // it was not read
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

// missing tells an object that was removed while we came for it from one that
// ought to be there.
func (b *Bulk) missing(ctx context.Context, f schema.DayFile, cause error) error {
	if _, _, err := b.Store.OpenDayFile(ctx, f.ID); err != nil {
		return err
	}
	slog.ErrorContext(ctx, "a day file is missing from the bucket", "account", f.Account, "file", f.ID)
	return fmt.Errorf("open day file %s: %w", f.ID, cause)
}

// both closes one after the other.
type both [2]io.Closer

func (c both) Close() error { return errors.Join(c[0].Close(), c[1].Close()) }
