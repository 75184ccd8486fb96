package schema

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
)

// Purpose is the one thing a link is good for.
type Purpose string

// A mailed link confirms an export, stops it, or downloads its archive.
const (
	ToConfirm  Purpose = "confirm"
	ToStop     Purpose = "stop"
	ToDownload Purpose = "download"
)

// Links makes and checks the tokens in mailed links. Nothing about a token is
// stored: it names its export and proves that we made it. When it ends is for
// the database's clock to say.
type Links struct{ key []byte }

// NewLinks uses key, at least 32 random bytes that worker and server share.
func NewLinks(key []byte) Links { return Links{key: key} }

const linkBytes = 16 + 4 + sha256.Size

// Token is the same for the same purpose, export and generation, always.
func (l Links) Token(p Purpose, export string, generation int) string {
	id, err := hex.DecodeString(export[2:])
	if err != nil || len(id) != 16 {
		panic("schema: not an export ID")
	}
	b := binary.BigEndian.AppendUint32(id, uint32(generation))
	return base64.RawURLEncoding.EncodeToString(append(b, l.mac(p, b)...))
}

// Open returns the export and generation of a token made for this purpose, and
// false for every other string.
func (l Links) Open(p Purpose, token string) (export string, generation int, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) != linkBytes || !hmac.Equal(b[20:], l.mac(p, b[:20])) {
		return "", 0, false
	}
	return "EX" + hex.EncodeToString(b[:16]), int(binary.BigEndian.Uint32(b[16:20])), true
}

func (l Links) mac(p Purpose, named []byte) []byte {
	mac := hmac.New(sha256.New, l.key)
	mac.Write([]byte(p))
	mac.Write([]byte{0})
	mac.Write(named)
	return mac.Sum(nil)
}

// A link key that was made for one machine begins like this, so that it is
// recognised where it must not be used.
const developmentKey = "00000000"

// ParseLinkKey reads the key of NewLinks from 64 hexadecimal digits.
// development tells that it was made for one machine only.
func ParseLinkKey(s string) (key []byte, development bool, err error) {
	key, err = hex.DecodeString(s)
	if err != nil || len(key) != 32 {
		return nil, false, errors.New("LINK_KEY must be 64 hexadecimal digits; make one with: openssl rand -hex 32")
	}
	return key, strings.HasPrefix(s, developmentKey), nil
}

// NewDevelopmentLinkKey makes a key for one machine.
func NewDevelopmentLinkKey() string {
	var b [28]byte
	rand.Read(b[:]) //nolint:errcheck // crypto/rand.Read never fails since Go 1.24
	return developmentKey + hex.EncodeToString(b[:])
}
