package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/secretdata"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// developmentKeyID identifies keys that were made for development. Tink prefixes
// every ciphertext with the key's ID, so a copy of the key and everything it wrapped
// can be recognised. Tink's own key IDs are random.
const developmentKeyID = 0xDE7E10AD

// WriteKeyset generates a deployment key, AES-256-GCM, and writes it to a file that
// only its owner can read. It never replaces a file. Losing the file means losing
// every export that was not downloaded yet and every sealed secret.
func WriteKeyset(path string) error {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return fmt.Errorf("vault: make a keyset: %w", err)
	}
	return writeKeyset(path, handle)
}

// WriteDevelopmentKeyset is like WriteKeyset, with a key that KeyIsForDevelopment
// recognises.
func WriteDevelopmentKeyset(path string) error {
	handle, err := developmentKeyset()
	if err != nil {
		return fmt.Errorf("vault: make a development keyset: %w", err)
	}
	return writeKeyset(path, handle)
}

func developmentKeyset() (*keyset.Handle, error) {
	params, err := aesgcm.NewParameters(aesgcm.ParametersOpts{
		KeySizeInBytes: 32, IVSizeInBytes: 12, TagSizeInBytes: 16, Variant: aesgcm.VariantTink,
	})
	if err != nil {
		return nil, err
	}
	secret, err := secretdata.NewBytesFromRand(32)
	if err != nil {
		return nil, err
	}
	key, err := aesgcm.NewKey(secret, developmentKeyID, params)
	if err != nil {
		return nil, err
	}
	manager := keyset.NewManager()
	id, err := manager.AddKey(key)
	if err != nil {
		return nil, err
	}
	if err := manager.SetPrimary(id); err != nil {
		return nil, err
	}
	return manager.Handle()
}

func writeKeyset(path string, handle *keyset.Handle) error {
	var encoded bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&encoded)); err != nil {
		return fmt.Errorf("vault: encode the keyset: %w", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("vault: %s already exists; a key that wrapped anything must not be replaced", path)
	}
	if err != nil {
		return fmt.Errorf("vault: write the keyset: %w", err)
	}
	_, err = file.Write(append(encoded.Bytes(), '\n'))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(fmt.Errorf("vault: write the keyset: %w", err), os.Remove(path))
	}
	return nil
}

// OpenKeyset reads the deployment's key from a file, for callers that need no
// bucket.
func OpenKeyset(path string) (*KeyRing, error) { return readKeyset(path) }

// readKeyset reads a Tink keyset in JSON from a file that others can neither read nor
// write. Its group may read it, as orchestrators mount secrets, unless the file is this
// user's own, who can do without.
func readKeyset(path string) (*KeyRing, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("vault: read the keyset: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("vault: read the keyset: %w", err)
	}
	switch mode := info.Mode(); {
	case !mode.IsRegular():
		return nil, fmt.Errorf("vault: KEYSET_FILE %s is not a file", path)
	case !isPrivate(mode, isOwnFile(info)):
		return nil, fmt.Errorf("vault: others can read or change KEYSET_FILE %s (mode %04o); run: chmod 600 %s, or mount it with mode 0440", path, mode.Perm(), path)
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(file))
	if err != nil {
		return nil, fmt.Errorf("vault: %s is not a Tink keyset in JSON", path) // the parser's error could quote the key
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("vault: the keyset %s is not one for AEAD", path)
	}
	ring := &KeyRing{aead: localKey{primitive}}
	for i := range handle.Len() {
		entry, err := handle.Entry(i)
		if err != nil {
			return nil, fmt.Errorf("vault: read the keyset: %w", err)
		}
		ring.forDevelopment = ring.forDevelopment || entry.KeyID() == developmentKeyID
	}
	return ring, nil
}

// isPrivate reports whether others can neither read nor write a file of this mode. The
// group may read it unless it is the process's own.
func isPrivate(mode fs.FileMode, own bool) bool {
	if own {
		return mode.Perm()&0o077 == 0
	}
	return mode.Perm()&0o027 == 0
}

// localKey encrypts in this process, so it ignores contexts.
type localKey struct{ tink.AEAD }

func (k localKey) EncryptWithContext(_ context.Context, plaintext, associated []byte) ([]byte, error) {
	return k.Encrypt(plaintext, associated)
}

// DecryptWithContext returns ErrUnreadable for every failure: a local key has no
// other reason to fail.
func (k localKey) DecryptWithContext(_ context.Context, ciphertext, associated []byte) ([]byte, error) {
	plaintext, err := k.Decrypt(ciphertext, associated)
	if err != nil {
		return nil, ErrUnreadable
	}
	return plaintext, nil
}
