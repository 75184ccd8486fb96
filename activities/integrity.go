package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"go.temporal.io/sdk/temporal"

	"satchel/schema"
)

// ErrCorrupted says that stored bytes are not the written ones. It is not
// retryable: reading them again cannot help.
var ErrCorrupted = fmt.Errorf("%w", schema.ErrDamaged)

// DamagedObject is what an activity found damaged: a piece of a category, or an archive
// if there is none.
type DamagedObject struct {
	Category  schema.Category
	ObjectKey string
}

// DamageError is ErrCorrupted with the object that is damaged. It is not retryable: a
// workflow has what is damaged made again.
type DamageError struct {
	DamagedObject
	Cause error
}

func (e *DamageError) Error() string { return e.ObjectKey + ": " + e.Cause.Error() }

// Unwrap returns the cause and ErrCorrupted.
func (e *DamageError) Unwrap() []error { return []error{ErrCorrupted, e.Cause} }

// Damaged returns what an activity that failed found damaged.
func Damaged(err error) (object DamagedObject, found bool) {
	failed, ok := errors.AsType[*temporal.ApplicationError](err)
	found = ok && failed.HasDetails() && failed.Message() == ErrCorrupted.Error() && failed.Details(&object) == nil
	return object, found && object.ObjectKey != ""
}

// errRewrite is a failed read-back that is retryable, since the next attempt
// writes a new object.
var errRewrite = errors.New("what was stored is not what was written, and will be written anew")

// RewriteOnRetry makes ErrCorrupted retryable, for an activity whose next attempt
// writes a new object.
func RewriteOnRetry(err error) error {
	if errors.Is(err, ErrCorrupted) {
		return fmt.Errorf("%w: %w", errRewrite, err)
	}
	return err
}

// ReadBack reads a stored object to its end and compares size and SHA-256 with
// what was written. It returns ErrCorrupted where they differ.
func ReadBack(ctx context.Context, o schema.ObjectOpener, key string, size int64, sha256Hex string) error {
	stored, err := o.Open(ctx, key)
	if err != nil {
		return fmt.Errorf("open %s: %w", key, err)
	}
	defer stored.Close() //nolint:errcheck // it was read to the end, or the error is known
	sum := sha256.New()
	read, err := io.Copy(sum, stored)
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	if read != size || hex.EncodeToString(sum.Sum(nil)) != sha256Hex {
		return fmt.Errorf("%s: %w", key, ErrCorrupted)
	}
	return nil
}
