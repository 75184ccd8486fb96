package vault

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	smithy "github.com/aws/smithy-go"
	"github.com/tink-crypto/tink-go-awskms/v3/integration/awskms"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// KeyRing holds the deployment's key. It wraps the key of each export and
// seals small secrets at rest; with KMS the key itself never leaves the cloud,
// and its log names the account and export of every unwrapping.
type KeyRing struct {
	aead           tink.AEADWithContext
	forDevelopment bool
}

// Identity opens the objects of one export. It prints as nothing but its name.
type Identity struct{ age *age.HybridIdentity }

// String keeps the key out of logs.
func (Identity) String() string { return "vault.Identity" }

// GoString keeps the key out of logs.
func (Identity) GoString() string { return "vault.Identity" }

func openKeyRing(ctx context.Context, c Config, settings aws.Config) (*KeyRing, error) {
	if c.KeysetFile != "" {
		return readKeyset(c.KeysetFile)
	}
	name, isKMS := strings.CutPrefix(c.KMSKeyURI, "aws-kms://")
	key, err := arn.Parse(name)
	if !isKMS || err != nil || key.Service != "kms" {
		return nil, fmt.Errorf("vault: KMS_KEY_URI must be aws-kms:// and the key's ARN")
	}
	client := kms.NewFromConfig(settings, func(o *kms.Options) { o.Region = key.Region })
	aead, err := awskms.NewAEADWithContext(ctx, name, awskms.WithKMS(client))
	if err != nil {
		return nil, fmt.Errorf("vault: open the KMS key: %w", err)
	}
	return &KeyRing{aead: aead}, nil
}

// KeyIsForDevelopment tells whether the key was made by
// WriteDevelopmentKeyset. Programs refuse to start with it outside dev.
func (r *KeyRing) KeyIsForDevelopment() bool { return r.forDevelopment }

// NewKey makes the key of one export: the recipient that pieces are sealed to,
// and the wrapped identity that Unwrap alone turns back, for the same account
// and export. Whoever deletes the wrapped key makes the export unreadable.
func (r *KeyRing) NewKey(ctx context.Context, account, export string) (recipient string, wrapped []byte, err error) {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return "", nil, fmt.Errorf("vault: make the export's key: %w", err)
	}
	wrapped, err = r.encrypt(ctx, "wrap the export's key", []byte(id.String()), place("export key", account, export))
	if err != nil {
		return "", nil, err
	}
	return id.Recipient().String(), wrapped, nil
}

// Unwrap returns the identity that NewKey wrapped, and ErrUnreadable for any
// other account, export or deployment key.
func (r *KeyRing) Unwrap(ctx context.Context, wrapped []byte, account, export string) (Identity, error) {
	text, err := r.decrypt(ctx, "unwrap the export's key", wrapped, place("export key", account, export))
	if err != nil {
		return Identity{}, err
	}
	id, err := age.ParseHybridIdentity(string(text))
	if err != nil {
		// The parser's words could hold the key.
		return Identity{}, fmt.Errorf("vault: unwrap the export's key: %w", ErrUnreadable)
	}
	return Identity{age: id}, nil
}

// Seal encrypts a secret of at most 4 KiB for one account and purpose, to be
// kept in the database.
func (r *KeyRing) Seal(ctx context.Context, secret []byte, account, purpose string) ([]byte, error) {
	return r.encrypt(ctx, "seal a secret", secret, place("secret", account, purpose))
}

// Unseal returns what Seal was given for the same account and purpose, and
// ErrUnreadable otherwise.
func (r *KeyRing) Unseal(ctx context.Context, sealed []byte, account, purpose string) ([]byte, error) {
	return r.decrypt(ctx, "unseal a secret", sealed, place("secret", account, purpose))
}

func (r *KeyRing) encrypt(ctx context.Context, op string, secret, place []byte) ([]byte, error) {
	sealed, err := r.aead.EncryptWithContext(ctx, secret, place)
	return sealed, failed(ctx, op, err)
}

func (r *KeyRing) decrypt(ctx context.Context, op string, sealed, place []byte) ([]byte, error) {
	secret, err := r.aead.DecryptWithContext(ctx, sealed, place)
	if api, ok := errors.AsType[smithy.APIError](err); ok && refusedByKey[api.ErrorCode()] {
		err = ErrUnreadable
	}
	if errors.Is(err, ErrUnreadable) {
		return nil, fmt.Errorf("vault: %s: %w", op, ErrUnreadable)
	}
	return secret, failed(ctx, op, err)
}

// refusedByKey are KMS' words for a ciphertext of another key or place.
var refusedByKey = map[string]bool{"InvalidCiphertextException": true, "IncorrectKeyException": true}

// place is what a ciphertext is bound to. No part can hold the separator, so
// no two places look the same.
func place(kind, account, name string) []byte {
	return []byte(strings.Join([]string{"satchel " + kind, account, name}, "\x00"))
}
