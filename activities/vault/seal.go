package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"

	"filippo.io/age"
)

// boundRecipient encrypts to an export's recipient and adds a stanza with the
// hash of the object's key to the header, which age authenticates. Other age
// implementations skip the stanza.
type boundRecipient struct {
	recipient *age.HybridRecipient
	object    string
}

const objectStanza = "satchel-object"

func newBoundRecipient(recipient, object string) (boundRecipient, error) {
	r, err := age.ParseHybridRecipient(recipient)
	if err != nil {
		return boundRecipient{}, errors.New("vault: the export's recipient is malformed")
	}
	return boundRecipient{r, object}, nil
}

// Wrap implements age.Recipient.
func (r boundRecipient) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	stanzas, _, err := r.WrapWithLabels(fileKey)
	return stanzas, err
}

// WrapWithLabels implements age.RecipientWithLabels. It adds the object's stanza
// to the recipient's own.
func (r boundRecipient) WrapWithLabels(fileKey []byte) ([]*age.Stanza, []string, error) {
	stanzas, labels, err := r.recipient.WrapWithLabels(fileKey)
	name := sha256.Sum256([]byte(r.object))
	return append(stanzas, &age.Stanza{Type: objectStanza, Body: name[:]}), labels, err
}

// boundIdentity is an age identity that opens a single object.
type boundIdentity struct {
	identity Identity
	object   string
}

// Unwrap rejects headers of other objects. age verifies the whole header,
// the object's stanza included, with the file key returned here.
func (i boundIdentity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	name := sha256.Sum256([]byte(i.object))
	isBound := func(s *age.Stanza) bool { return s.Type == objectStanza && bytes.Equal(s.Body, name[:]) }
	if i.identity.age == nil || !slices.ContainsFunc(stanzas, isBound) {
		return nil, errors.New("sealed for another object")
	}
	return i.identity.age.Unwrap(stanzas)
}

// age's format: chunks of 64 KiB, each 16 bytes longer when encrypted, behind a
// header of 4.2 kB (maxHeader leaves room for additions to it).
const (
	ageChunkSize     = 64 << 10
	ageChunkOverhead = 16
	maxHeader        = 5 << 10
)

// maxSealedSize returns an upper bound of the sealed size of size bytes.
func maxSealedSize(size int) int {
	return maxHeader + size + ageChunkOverhead*(size/ageChunkSize+1)
}

// seal encrypts a whole object into sealed.
func seal(sealed *bytes.Buffer, object, recipient string, body []byte) error {
	to, err := newBoundRecipient(recipient, object)
	if err != nil {
		return err
	}
	sealed.Reset()
	sealed.Grow(maxSealedSize(len(body)))
	w, err := age.Encrypt(sealed, to)
	if err == nil {
		_, err = w.Write(body)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return fmt.Errorf("vault: seal: %w", err)
	}
	return nil
}

// readError separates transport errors, which it returns unchanged, from errors
// in the stored bytes, which become ErrUnreadable.
func readError(ctx context.Context, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	if _, ok := errors.AsType[*callError](err); ok {
		return err
	}
	if ctx.Err() != nil {
		return &callError{op: "read", cause: ctx.Err()}
	}
	return fmt.Errorf("vault: read: %w", ErrUnreadable)
}
