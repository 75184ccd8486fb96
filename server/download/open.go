package download

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"

	"satchel/activities/vault"
	"satchel/schema"
)

// Vault opens encrypted objects.
type Vault interface {
	Unwrap(ctx context.Context, wrapped []byte, account, id string) (vault.Identity, error)
	OpenAt(ctx context.Context, key string, id vault.Identity) (*vault.Reader, error)
}

// Object is a file as the database knows it.
type Object struct {
	Kind    string // "export" or "day file", for errors and the log
	Account string
	ID      string // of the export or day file, to which the key is bound
	Wrapped []byte // the key
	Key     string // in the bucket
	Size    int64  // of what is stored, without the encryption's own bytes

	// Exists reads the file's row again where the object is missing. Its error
	// says that the file was removed in the meantime.
	Exists func(context.Context) error
}

// Open opens the object. The key is unwrapped for every download, so that none
// can begin once the key is destroyed. With lean, reading it takes less memory.
func (o Object) Open(ctx context.Context, v Vault, lean bool) (*vault.Reader, error) {
	id, err := v.Unwrap(ctx, o.Wrapped, o.Account, o.ID)
	if err != nil {
		return nil, fmt.Errorf("unlock %s %s: %w", o.Kind, o.ID, err)
	}
	stored, err := v.OpenAt(ctx, o.Key, id)
	if errors.Is(err, vault.ErrNotFound) {
		return nil, o.missing(ctx, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s %s: %w", o.Kind, o.ID, err)
	}
	if stored.Size() != o.Size {
		_ = stored.Close() // nothing was read
		return nil, fmt.Errorf("open %s %s: %d bytes are stored, and %d should be", o.Kind, o.ID, stored.Size(), o.Size)
	}
	if lean {
		stored.Lean()
	}
	return stored, nil
}

// missing returns the error for an object that is not in the bucket: that of its row,
// if it was removed after its row was read. Otherwise it should be there, and is gone
// all the same, as after a restore of the database; the sweep will say so in the row.
func (o Object) missing(ctx context.Context, cause error) error {
	if err := o.Exists(ctx); err != nil {
		return err
	}
	slog.ErrorContext(ctx, "an object is missing from the bucket", "kind", o.Kind, "account", o.Account, "id", o.ID)
	gone := schema.Errorf(schema.Gone, schema.CodeGone, "The file is no longer stored. It cannot be downloaded any more.")
	gone.Cause = fmt.Errorf("open %s %s: %w", o.Kind, o.ID, cause)
	return gone
}

// Describe sets the headers that every file has: its type and name, a strong
// ETag, and Repr-Digest, both from the SHA-256 in hex of what is sent.
func Describe(h http.Header, contentType, name, sha256 string) {
	h.Set(echo.HeaderContentType, contentType)
	h.Set(echo.HeaderContentDisposition, fmt.Sprintf(`attachment; filename=%q`, name))
	h.Set(echo.HeaderCacheControl, "private, no-store, no-transform")
	h.Set("X-Accel-Buffering", "no") // nginx would write the file to its disk
	h.Set("ETag", `"`+sha256+`"`)
	if digest, err := hex.DecodeString(sha256); err == nil {
		h.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(digest)+":")
	}
}

// closers closes all in order.
type closers []io.Closer

func (all closers) Close() error {
	var err error
	for _, c := range all {
		err = errors.Join(err, c.Close())
	}
	return err
}
