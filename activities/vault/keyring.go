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

// KeyRing holds the deployment's key. It wraps the key of each export and encrypts
// small secrets at rest. With KMS the key itself never leaves the service, whose
// log records the account and export of every Unwrap.
type KeyRing struct {
	aead           tink.AEADWithContext
	forDevelopment bool
}

// Identity decrypts the objects of one export. Printing it shows only its type.
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

// KeyIsForDevelopment reports whether WriteDevelopmentKeyset made the key.
// Programs refuse to start with such a key outside development.
func (r *KeyRing) KeyIsForDevelopment() bool { return r.forDevelopment }

// NewKey generates the key of one export. It returns the recipient that pieces are
// encrypted to, and the identity, wrapped so that only Unwrap with the same account
// and export can open it. Deleting the wrapped key makes the export unreadable.
func (r *KeyRing) NewKey(ctx context.Context, account, export string) (recipient string, wrapped []byte, err error) {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return "", nil, fmt.Errorf("vault: make the export's key: %w", err)
	}
	wrapped, err = r.encrypt(ctx, "wrap the export's key", []byte(id.String()), associatedData("export key", account, export))
	if err != nil {
		return "", nil, err
	}
	return id.Recipient().String(), wrapped, nil
}

// Unwrap returns the identity that NewKey wrapped. It returns ErrUnreadable for any
// other account, export or deployment key.
func (r *KeyRing) Unwrap(ctx context.Context, wrapped []byte, account, export string) (Identity, error) {
	encoded, err := r.decrypt(ctx, "unwrap the export's key", wrapped, associatedData("export key", account, export))
	if err != nil {
		return Identity{}, err
	}
	id, err := age.ParseHybridIdentity(string(encoded))
	if err != nil {
		// The parser's error could quote the key.
		return Identity{}, fmt.Errorf("vault: unwrap the export's key: %w", ErrUnreadable)
	}
	return Identity{age: id}, nil
}

// Seal encrypts a secret of at most 4 KiB for one account and purpose, to be stored
// in the database.
func (r *KeyRing) Seal(ctx context.Context, secret []byte, account, purpose string) ([]byte, error) {
	return r.encrypt(ctx, "seal a secret", secret, associatedData("secret", account, purpose))
}

// Unseal decrypts a secret that Seal encrypted for the same account and purpose. It
// returns ErrUnreadable for any other.
func (r *KeyRing) Unseal(ctx context.Context, sealed []byte, account, purpose string) ([]byte, error) {
	return r.decrypt(ctx, "unseal a secret", sealed, associatedData("secret", account, purpose))
}

func (r *KeyRing) encrypt(ctx context.Context, op string, secret, associated []byte) ([]byte, error) {
	sealed, err := r.aead.EncryptWithContext(ctx, secret, associated)
	return sealed, translateError(ctx, op, err)
}

func (r *KeyRing) decrypt(ctx context.Context, op string, sealed, associated []byte) ([]byte, error) {
	secret, err := r.aead.DecryptWithContext(ctx, sealed, associated)
	if api, ok := errors.AsType[smithy.APIError](err); ok && wrongKeyCodes[api.ErrorCode()] {
		err = ErrUnreadable
	}
	if errors.Is(err, ErrUnreadable) {
		return nil, fmt.Errorf("vault: %s: %w", op, ErrUnreadable)
	}
	return secret, translateError(ctx, op, err)
}

// wrongKeyCodes are KMS's error codes for another key or other associated data.
var wrongKeyCodes = map[string]bool{"InvalidCiphertextException": true, "IncorrectKeyException": true}

// associatedData returns the data that a ciphertext is bound to. No part can contain
// the separator, so different parts never give the same data.
func associatedData(kind, account, name string) []byte {
	return []byte(strings.Join([]string{"satchel " + kind, account, name}, "\x00"))
}
