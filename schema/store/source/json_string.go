package source

import (
	"encoding/binary"
	"math/bits"
)

// appendString appends s as a JSON string with the escapes of Postgres'
// escape_json: the short ones, \u00xx for other control characters, and no
// others. U+2028, DEL and everything beyond ASCII are copied unchanged.
func appendString(dst, s []byte) []byte {
	dst = append(dst, '"')
	for {
		plain := plainLen(s)
		dst = append(dst, s[:plain]...)
		if plain == len(s) {
			return append(dst, '"')
		}
		dst = appendEscape(dst, s[plain])
		s = s[plain+1:]
	}
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

// plainLen returns the number of bytes before the first that needs an escape. It
// tests eight at a time: a byte's high bit is set in special if the byte is less
// than a space, a quotation mark or a backslash. A borrow may set the bit of a
// byte after the first such byte, never before it.
func plainLen(s []byte) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	n := 0
	for ; len(s)-n >= 8; n += 8 {
		w := binary.LittleEndian.Uint64(s[n:])
		quote, backslash := w^ones*'"', w^ones*'\\'
		special := ((w-ones*' ')&^w | (quote-ones)&^quote | (backslash-ones)&^backslash) & highs
		if special != 0 {
			return n + bits.TrailingZeros64(special)/8
		}
	}
	for ; n < len(s); n++ {
		if c := s[n]; c < ' ' || c == '"' || c == '\\' {
			return n
		}
	}
	return n
}
