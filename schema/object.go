package schema

import (
	"context"
	"io"
)

// ObjectOpener decrypts the stored objects of one export or day file.
type ObjectOpener interface {
	// Get returns the whole content of an object, in buf's memory if that is large enough.
	Get(ctx context.Context, key string, buf []byte) ([]byte, error)
	// Open returns a reader of an object's content. The caller closes it.
	Open(ctx context.Context, key string) (io.ReadCloser, error)
}
