package schema

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
)

// Purpose is the one thing a link is good for.
type Purpose string

// A mailed link confirms an export, stops it, downloads its archive, or ends
// the notices that a person gets of bulk jobs.
const (
	ToConfirm     Purpose = "confirm"
	ToStop        Purpose = "stop"
	ToDownload    Purpose = "download"
	ToUnsubscribe Purpose = "unsubscribe"
)

// Links makes and checks the tokens in mailed links. Nothing about a token is
// stored: it names its export, or person, and proves that we made it. When it
// ends is for the database's clock to say.
type Links struct{ key []byte }

// NewLinks uses key, at least 32 random bytes that worker and server share.
func NewLinks(key []byte) Links { return Links{key: key} }

const linkBytes = 16 + 4 + sha256.Size

// Token is the same for the same purpose, subject and generation, always. The
// subject is a person where the purpose is to unsubscribe, else an export.
func (l Links) Token(p Purpose, subject string, generation int) string {
	id, err := hex.DecodeString(subject[2:])
	if err != nil || len(id) != 16 || subject[:2] != p.names() {
		panic("schema: not an ID that a link can name")
	}
	b := binary.BigEndian.AppendUint32(id, uint32(generation))
	return base64.RawURLEncoding.EncodeToString(append(b, l.mac(p, b)...))
}

// names is how the IDs begin that a link for this purpose names.
func (p Purpose) names() string {
	if p == ToUnsubscribe {
		return "US"
	}
	return "EX"
}

// Open returns the subject and generation of a token made for this purpose, and
// false for every other string.
func (l Links) Open(p Purpose, token string) (subject string, generation int, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) != linkBytes || !hmac.Equal(b[20:], l.mac(p, b[:20])) {
		return "", 0, false
	}
	return p.names() + hex.EncodeToString(b[:16]), int(binary.BigEndian.Uint32(b[16:20])), true
}

func (l Links) mac(p Purpose, named []byte) []byte {
	mac := hmac.New(sha256.New, l.key)
	mac.Write([]byte(p))
	mac.Write([]byte{0})
	mac.Write(named)
	return mac.Sum(nil)
}

// FileLink signs the way to one version of a day file until a Unix time, and
// whom it was given to: who has the link may fetch the file without signing in.
func (l Links) FileLink(file, to string, until int64) string {
	return hex.EncodeToString(l.mac("file", []byte(file+" "+strconv.FormatInt(until, 10)+" "+to)))
}

// IsFileLink tells whether FileLink gave this signature, in constant time.
func (l Links) IsFileLink(file, to string, until int64, signature string) bool {
	return hmac.Equal([]byte(signature), []byte(l.FileLink(file, to, until)))
}

// PageToken proves that a place in somebody's list was handed out by us, for
// this list alone. It holds no dot.
func (l Links) PageToken(list, place string) string {
	sum := l.mac("page", []byte(list+"\x00"+place))[:12]
	return "PT" + base64.RawURLEncoding.EncodeToString(append(sum, place...))
}

// OpenPageToken returns the place that PageToken was given for the same list.
func (l Links) OpenPageToken(list, token string) (place string, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimPrefix(token, "PT"))
	if err != nil || len(b) < 12 || !strings.HasPrefix(token, "PT") {
		return "", false
	}
	place = string(b[12:])
	return place, hmac.Equal(b[:12], l.mac("page", []byte(list+"\x00"+place))[:12])
}

// A link key that was made for one machine begins like this, so that it is
// recognised where it must not be used.
const developmentKey = "00000000"

// ParseLinkKey reads the key of NewLinks from 64 hexadecimal digits. Outside
// dev it refuses one that others may know: an example, or one that was made for
// one machine.
func ParseLinkKey(s string, dev bool) (key []byte, err error) {
	key, err = hex.DecodeString(s)
	if err != nil || len(key) != 32 {
		return nil, errors.New("LINK_KEY must be 64 hexadecimal digits; make one with: openssl rand -hex 32")
	}
	if !dev && (strings.HasPrefix(s, developmentKey) || isExample(key)) {
		return nil, errors.New("LINK_KEY is an example or was made for one machine, so others may know it; make one with: openssl rand -hex 32")
	}
	return key, nil
}

// isExample tells whether a key looks as keys in examples do: a few bytes
// over and over, or counting up.
func isExample(key []byte) bool {
	seen := map[byte]bool{}
	for _, b := range key {
		seen[b] = true
	}
	counting := true
	for i := 1; i < len(key); i++ {
		counting = counting && key[i] == key[i-1]+1
	}
	return len(seen) <= len(key)/4 || counting
}

// NewDevelopmentLinkKey makes a key for one machine.
func NewDevelopmentLinkKey() string {
	var b [28]byte
	rand.Read(b[:]) //nolint:errcheck // crypto/rand.Read never fails since Go 1.24
	return developmentKey + hex.EncodeToString(b[:])
}
