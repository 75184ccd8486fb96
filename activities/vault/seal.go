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

// addressee seals to an export's recipient and writes into the header, which
// the seal covers, under which key the object will be stored. Other age
// implementations skip the stanza.
type addressee struct {
	recipient *age.HybridRecipient
	object    string
}

const objectStanza = "satchel-object"

func addressed(recipient, object string) (addressee, error) {
	r, err := age.ParseHybridRecipient(recipient)
	if err != nil {
		return addressee{}, errors.New("vault: the export's recipient is malformed")
	}
	return addressee{r, object}, nil
}

// Wrap is the plain form of WrapWithLabels.
func (a addressee) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	stanzas, _, err := a.WrapWithLabels(fileKey)
	return stanzas, err
}

// WrapWithLabels adds the object's stanza to the recipient's own.
func (a addressee) WrapWithLabels(fileKey []byte) ([]*age.Stanza, []string, error) {
	stanzas, labels, err := a.recipient.WrapWithLabels(fileKey)
	name := sha256.Sum256([]byte(a.object))
	return append(stanzas, &age.Stanza{Type: objectStanza, Body: name[:]}), labels, err
}

// opener is an identity that opens one object only.
type opener struct {
	identity Identity
	object   string
}

// Unwrap refuses headers of other objects. That this header is the writer's
// own, the stanza included, age checks with the key it gets from here.
func (o opener) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	name := sha256.Sum256([]byte(o.object))
	ours := func(s *age.Stanza) bool { return s.Type == objectStanza && bytes.Equal(s.Body, name[:]) }
	if o.identity.age == nil || !slices.ContainsFunc(stanzas, ours) {
		return nil, errors.New("sealed for another place")
	}
	return o.identity.age.Unwrap(stanzas)
}

// age's format: chunks of 64 KiB, 16 bytes longer when sealed, behind a header
// of 4.2 kB (with room for what may be added to it).
const (
	chunk      = 64 << 10
	chunkSeal  = 16
	headerRoom = 5 << 10
)

// sealedRoom is at least as much as size bytes take when sealed.
func sealedRoom(size int) int { return headerRoom + size + chunkSeal*(size/chunk+1) }

// seal makes the whole object at once.
func seal(sealed *bytes.Buffer, object, recipient string, body []byte) error {
	to, err := addressed(recipient, object)
	if err != nil {
		return err
	}
	sealed.Reset()
	sealed.Grow(sealedRoom(len(body)))
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

// opened tells trouble with the way to the bytes, which it passes on, from
// trouble with the bytes themselves, which is ErrUnreadable.
func opened(ctx context.Context, err error) error {
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
