package vault

import (
	"context"
	"errors"
	"io"

	"satchel/schema"
)

// Opener decrypts the objects of one export.
type Opener struct {
	vault    *Vault
	identity Identity
}

var _ schema.ObjectOpener = Opener{}

// Unlock unwraps the key that NewKey made for the account and export, and returns an
// Opener of the export's objects. It returns ErrUnreadable for any other account,
// export or deployment key.
func (v *Vault) Unlock(ctx context.Context, wrapped []byte, account, export string) (schema.ObjectOpener, error) {
	id, err := v.Unwrap(ctx, wrapped, account, export)
	if err != nil {
		return nil, err
	}
	return Opener{v, id}, nil
}

// Get returns the whole content of an object; see Vault.Get.
func (o Opener) Get(ctx context.Context, key string, buf []byte) ([]byte, error) {
	return o.vault.Get(ctx, key, o.identity, buf)
}

// Open returns a sequential reader of an object; see Stream. The caller closes it.
func (o Opener) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	r, err := o.vault.OpenAt(ctx, key, o.identity)
	if err != nil {
		return nil, err
	}
	return streamCloser{r.Stream(), r}, nil
}

// streamCloser is a Stream that closes its Reader.
type streamCloser struct {
	*Stream
	reader *Reader
}

func (s streamCloser) Close() error { return errors.Join(s.Stream.Close(), s.reader.Close()) }
