package schema

import (
	"context"
	"errors"
	"io"
)

// ErrDamaged means that a stored object is gone, or that its bytes are not those that
// were written. Reading it again cannot help.
var ErrDamaged = errors.New("what was stored is not what was written")

// ObjectOpener decrypts the stored objects of one export or day file. Its errors are
// ErrDamaged, in the sense of errors.Is, for an object that is gone or was altered.
type ObjectOpener interface {
	// Get returns the whole content of an object, in buf's memory if that is large enough.
	Get(ctx context.Context, key string, buf []byte) ([]byte, error)
	// Open returns a reader of an object's content. The caller closes it.
	Open(ctx context.Context, key string) (io.ReadCloser, error)
}
