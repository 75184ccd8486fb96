package vault

import (
	"context"
	"io"

	"filippo.io/age"
)

// Create seals what write writes to the recipient and stores it under key as
// it comes, whatever its length (up to 78 GiB sealed): write goes on while
// earlier parts are under way. The object appears only when write has returned
// nil and every byte is stored; otherwise there is none, and no unfinished
// upload. When the bucket fails or ctx ends, the next Write fails. Create
// returns the sealed size.
//
// It holds at most three parts of 8 MiB. ErrExists, and what any other error
// from the very last request may leave behind, is as with Put.
func (v *Vault) Create(ctx context.Context, key, recipient string, write func(io.Writer) error) (int64, error) {
	to, err := addressed(recipient, key)
	if err != nil {
		return 0, err
	}
	up := v.newUpload(ctx, key)
	defer up.close()

	sealing, err := age.Encrypt(up, to)
	if err == nil {
		err = write(sealing)
	}
	if err == nil {
		err = sealing.Close()
	}
	if failure := up.failure(); failure != nil {
		return 0, failure // what write made of it says less
	}
	if err != nil {
		return 0, err
	}
	if err := up.finish(); err != nil {
		return 0, err
	}
	return up.size, nil
}
