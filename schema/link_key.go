package schema

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"
)

// developmentPrefix marks keys that were generated for one machine, so that they
// are rejected elsewhere.
const developmentPrefix = "00000000"

// ParseLinkKey parses the key of NewLinks from 64 hexadecimal digits. Outside dev
// it rejects a key that others may know: an example, or one that was generated
// for one machine.
func ParseLinkKey(s string, dev bool) (key []byte, err error) {
	key, err = hex.DecodeString(s)
	if err != nil || len(key) != 32 {
		return nil, errors.New("LINK_KEY must be 64 hexadecimal digits; make one with: openssl rand -hex 32")
	}
	if !dev && (strings.HasPrefix(s, developmentPrefix) || isExample(key)) {
		return nil, errors.New("LINK_KEY is an example or was made for one machine, so others may know it; make one with: openssl rand -hex 32")
	}
	return key, nil
}

// isExample reports whether a key looks like one in an example: a few bytes
// repeated, or bytes that count up.
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

// NewDevelopmentLinkKey generates a key for one machine.
func NewDevelopmentLinkKey() string {
	var b [28]byte
	rand.Read(b[:]) //nolint:errcheck // crypto/rand.Read never fails since Go 1.24
	return developmentPrefix + hex.EncodeToString(b[:])
}
