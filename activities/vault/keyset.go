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

// developmentKeyID marks keys that were made for development. Tink writes a
// key's ID in front of every ciphertext, so the mark travels with the key
// wherever it is copied, and with everything it wrapped. Tink draws other IDs
// at random.
const developmentKeyID = 0xDE7E10AD

// WriteKeyset makes a new deployment key, AES-256-GCM, in a file that only its
// owner can read. It refuses to touch a file that is there. Losing the file
// means losing every export not yet downloaded and every sealed secret.
func WriteKeyset(path string) error {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return fmt.Errorf("vault: make a keyset: %w", err)
	}
	return writeKeyset(path, handle)
}

// WriteDevelopmentKeyset is WriteKeyset with a key that KeyIsForDevelopment
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
	var text bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&text)); err != nil {
		return fmt.Errorf("vault: encode the keyset: %w", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("vault: %s is there already; a key that wrapped anything must not be replaced", path)
	}
	if err != nil {
		return fmt.Errorf("vault: write the keyset: %w", err)
	}
	_, err = file.Write(append(text.Bytes(), '\n'))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(fmt.Errorf("vault: write the keyset: %w", err), os.Remove(path))
	}
	return nil
}

// OpenKeyset reads the deployment's key from a file, for whoever needs no bucket.
func OpenKeyset(path string) (*KeyRing, error) { return readKeyset(path) }

// readKeyset loads a Tink keyset in JSON from a file only its owner can read.
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
	if mode := info.Mode(); !mode.IsRegular() || mode.Perm()&0o077 != 0 {
		return nil, fmt.Errorf("vault: others can read the keyset %s (mode %04o); run: chmod 600 %s", path, mode.Perm(), path)
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(file))
	if err != nil {
		return nil, fmt.Errorf("vault: %s is not a Tink keyset in JSON", path) // the parser's words could quote the key
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

// localKey works without asking anyone, so no context can end it.
type localKey struct{ tink.AEAD }

func (k localKey) EncryptWithContext(_ context.Context, plaintext, place []byte) ([]byte, error) {
	return k.Encrypt(plaintext, place)
}

// DecryptWithContext answers ErrUnreadable: a local key fails for no other
// reason.
func (k localKey) DecryptWithContext(_ context.Context, ciphertext, place []byte) ([]byte, error) {
	plaintext, err := k.Decrypt(ciphertext, place)
	if err != nil {
		return nil, ErrUnreadable
	}
	return plaintext, nil
}
