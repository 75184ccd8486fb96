package api

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"satchel/activities/vault"
	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/auth"
)

// ServeArchive streams the archive of an export of the caller's account: as it
// is stored, compressed, to clients that accept gzip, and inflated to others.
// Either form can be had in ranges, and each has a strong ETag of its own.
// Before the first byte leaves, the download is written into the audit trail.
// Where there is none to send in time, the answer is Unavailable.
func (a *API) ServeArchive(c echo.Context, p auth.Principal, export string) error {
	as, ok := negotiate(c.Request().Header.Values(echo.HeaderAcceptEncoding))
	if !ok {
		return echo.NewHTTPError(http.StatusNotAcceptable)
	}
	return SendFile(c, func(ctx context.Context) (File, error) {
		d, err := a.download(ctx, p, export)
		if err != nil {
			return File{}, err
		}
		file, err := a.open(ctx, d, as)
		if err != nil {
			return File{}, err
		}
		describe(c.Response().Header(), d, as)
		file.Modified = d.CompletedAt
		file.Leaving = func(from int64, whole bool) error {
			return a.store.Audit(ctx, store.Event{
				Account: d.Account, Subject: d.Export, Actor: by(p), Action: store.Downloaded,
				Details: map[string]any{"from": from, "whole": whole, "gzip": as == gzipped},
			})
		}
		return file, nil
	})
}

// download reads what is needed to hand out the file. An export whose row is
// still to be written has none yet, but it is there.
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
	return store.Download{}, conflict("not_ready", "The file is not ready yet.")
}

// FileName is what the file of an export that was completed then is saved as.
func FileName(completed time.Time) string {
	return "account-export-" + completed.UTC().Format(time.DateOnly) + ".json"
}

// describe says what the file is: its type, its name and how it is sent, and
// what it can be checked against. X-Content-SHA256 is always that of the JSON
// document, in hex; Repr-Digest that of the form it is sent in.
func describe(h http.Header, d store.Download, as form) {
	sum := d.SHA256
	if as == gzipped {
		sum = d.GzipSHA256
		h.Set(echo.HeaderContentEncoding, string(gzipped))
	}
	h.Set(echo.HeaderContentType, "application/json")
	h.Set(echo.HeaderContentDisposition, fmt.Sprintf(`attachment; filename=%q`, FileName(d.CompletedAt)))
	h.Set(echo.HeaderCacheControl, "private, no-store")
	h.Add(echo.HeaderVary, echo.HeaderAcceptEncoding)
	h.Set("ETag", `"`+sum+`"`)
	h.Set("X-Content-SHA256", d.SHA256)
	if digest, err := hex.DecodeString(sum); err == nil {
		h.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(digest)+":")
	}
}

// singleRange is the one shape of Range that is worth an answer of its own.
var singleRange = regexp.MustCompile(`^bytes=\s*(\d+\s*-\s*\d*|-\s*\d+)\s*$`)

// oneRange lets a request keep its Range where that is a single one, and where
// If-Range, if there is any, names an ETag: the time of completion is the same
// for both forms, and the end of one must not be glued to the other. Whoever
// asks otherwise gets the whole file, as HTTP allows.
func oneRange(r *http.Request) *http.Request {
	asked, given := r.Header.Get("Range"), r.Header.Get("If-Range")
	if asked == "" || singleRange.MatchString(asked) && (given == "" || strings.HasPrefix(given, `"`)) {
		return r
	}
	r = r.Clone(r.Context())
	r.Header.Del("Range")
	return r
}

// open unlocks the archive. The key is read again for every download, so that
// none can begin once it was destroyed.
func (a *API) open(ctx context.Context, d store.Download, as form) (File, error) {
	id, err := a.vault.Unwrap(ctx, d.Wrapped, d.Account, d.Export)
	if err != nil {
		return File{}, fmt.Errorf("unlock export %s: %w", d.Export, err)
	}
	stored, err := a.vault.OpenAt(ctx, d.ObjectKey, id)
	if errors.Is(err, vault.ErrNotFound) {
		return File{}, a.missing(ctx, d, err)
	}
	if err != nil {
		return File{}, fmt.Errorf("open export %s: %w", d.Export, err)
	}
	if stored.Size() != d.GzipSize {
		_ = stored.Close() // it was not read
		return File{}, fmt.Errorf("open export %s: %d bytes are stored, and %d should be", d.Export, stored.Size(), d.GzipSize)
	}
	if as == gzipped {
		s := stored.Stream()
		return File{ReadSeeker: s, Closer: closers{s, stored}, Size: d.GzipSize}, nil
	}
	t := vault.NewTextReader(stored, d.GzipSize, d.Size, d.Segments)
	return File{ReadSeeker: t, Closer: closers{t, stored}, Size: d.Size}, nil
}

// missing tells an object that was removed while we came for it from one that
// ought to be there.
func (a *API) missing(ctx context.Context, d store.Download, cause error) error {
	if _, err := a.store.Download(ctx, d.Account, d.Export); err != nil {
		return err
	}
	slog.ErrorContext(ctx, "an archive is missing from the bucket", "account", d.Account, "export", d.Export)
	return fmt.Errorf("open export %s: %w", d.Export, cause)
}

// closers closes in order.
type closers []io.Closer

func (all closers) Close() error {
	var err error
	for _, c := range all {
		err = errors.Join(err, c.Close())
	}
	return err
}
