package schema

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
)

// Purpose is what a link is for. A link is valid for one purpose.
type Purpose string

// An e-mailed link confirms an export, stops it, downloads its archive, or ends
// the notices of bulk jobs to a person.
const (
	ToConfirm     Purpose = "confirm"
	ToStop        Purpose = "stop"
	ToDownload    Purpose = "download"
	ToUnsubscribe Purpose = "unsubscribe"
)

// Links signs and verifies the tokens in e-mailed links. No token is stored: it
// names its export, or person, and is authenticated by a MAC. The database's
// clock decides when it expires.
type Links struct{ key []byte }

// NewLinks returns Links that use the key: at least 32 random bytes, the same in
// worker and server.
func NewLinks(key []byte) Links { return Links{key: key} }

const linkBytes = 16 + 4 + sha256.Size

// Token returns the token of a link. It is always the same for the same purpose,
// subject and version. The subject is a person if the purpose is to unsubscribe,
// else an export. It panics for any other subject.
func (l Links) Token(p Purpose, subject string, version int) string {
	id, err := hex.DecodeString(subject[2:])
	if err != nil || len(id) != 16 || subject[:2] != p.idPrefix() {
		panic("schema: not an ID that a link can name")
	}
	b := binary.BigEndian.AppendUint32(id, uint32(version))
	return base64.RawURLEncoding.EncodeToString(append(b, l.mac(p, b)...))
}

// idPrefix returns the prefix of the IDs that a link for this purpose names.
func (p Purpose) idPrefix() string {
	if p == ToUnsubscribe {
		return "US"
	}
	return "EX"
}

// Verify returns the subject and version of a token for this purpose, and false
// for every other string.
func (l Links) Verify(p Purpose, token string) (subject string, version int, ok bool) {
	b, ok := decode(token)
	if !ok || len(b) != linkBytes || !hmac.Equal(b[20:], l.mac(p, b[:20])) {
		return "", 0, false
	}
	return p.idPrefix() + hex.EncodeToString(b[:16]), int(binary.BigEndian.Uint32(b[16:20])), true
}

// Fingerprint identifies the key without revealing it: worker and server compare theirs.
func (l Links) Fingerprint() []byte { return l.mac("fingerprint", nil) }

// decode decodes base64 that is spelled as we encode it: without line breaks,
// which the standard library ignores, and with unused bits zero.
func decode(s string) ([]byte, bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return b, err == nil && !strings.ContainsAny(s, "\r\n")
}

func (l Links) mac(p Purpose, message []byte) []byte {
	mac := hmac.New(sha256.New, l.key)
	mac.Write([]byte(p))
	mac.Write([]byte{0})
	mac.Write(message)
	return mac.Sum(nil)
}

// FileSignature returns the signature of a link to one version of a day file that is
// valid until a Unix time and names who requested it. The link alone allows
// the download, without signing in.
func (l Links) FileSignature(file, to string, until int64) string {
	return hex.EncodeToString(l.mac("file", []byte(file+" "+strconv.FormatInt(until, 10)+" "+to)))
}

// VerifyFileSignature reports whether FileSignature returned this signature, in constant time.
func (l Links) VerifyFileSignature(file, to string, until int64, signature string) bool {
	return hmac.Equal([]byte(signature), []byte(l.FileSignature(file, to, until)))
}

// PageToken returns a signed position in a list, which is valid for this list
// only. It contains no dot.
func (l Links) PageToken(list, position string) string {
	sum := l.mac("page", []byte(list+"\x00"+position))[:12]
	return "PT" + base64.RawURLEncoding.EncodeToString(append(sum, position...))
}

// OpenPageToken returns the position that PageToken was called with for the same
// list, and false for every other string.
func (l Links) OpenPageToken(list, token string) (position string, ok bool) {
	b, ok := decode(strings.TrimPrefix(token, "PT"))
	if !ok || len(b) < 12 || !strings.HasPrefix(token, "PT") {
		return "", false
	}
	position = string(b[12:])
	return position, hmac.Equal(b[:12], l.mac("page", []byte(list+"\x00"+position))[:12])
}
