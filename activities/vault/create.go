package vault

import (
	"context"
	"io"

	"filippo.io/age"
)

// Create encrypts what write writes to the recipient and streams it to the object
// under key, whatever its length (up to 78 GiB sealed): write continues while
// earlier parts are uploaded. The object appears only once write has returned nil
// and every byte is stored; otherwise there is no object and no unfinished
// upload. When the bucket fails or ctx ends, the next Write fails. Create returns
// the sealed size.
//
// It holds at most three parts of 8 MiB in memory. For ErrExists, and for an
// error of the last request, the same applies as for Put.
func (v *Vault) Create(ctx context.Context, key, recipient string, write func(io.Writer) error) (int64, error) {
	to, err := newBoundRecipient(recipient, key)
	if err != nil {
		return 0, err
	}
	up := v.newUpload(ctx, key)
	defer up.close()

	sealed, err := age.Encrypt(up, to)
	if err == nil {
		err = write(sealed)
	}
	if err == nil {
		err = sealed.Close()
	}
	if uploadErr := up.err(); uploadErr != nil {
		return 0, uploadErr // write's own error is only a consequence
	}
	if err != nil {
		return 0, err
	}
	if err := up.complete(); err != nil {
		return 0, err
	}
	return up.size, nil
}
