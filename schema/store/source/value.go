package source

import (
	"encoding/binary"
	"strconv"
)

// valueWriter appends a value to dst as JSON. wire is the value as received. It
// returns false if wire is not a value of the writer's type.
type valueWriter func(dst, wire []byte) ([]byte, bool)

func appendText(dst, wire []byte) ([]byte, bool) { return appendString(dst, wire), true }

// appendJSON copies the value: stored JSON is never decoded and encoded again.
func appendJSON(dst, wire []byte) ([]byte, bool) { return append(dst, wire...), true }

// appendJSONB copies what follows the version number of the binary form.
func appendJSONB(dst, wire []byte) ([]byte, bool) {
	if len(wire) < 2 || wire[0] != 1 {
		return dst, false
	}
	return append(dst, wire[1:]...), true
}

func appendBool(dst, wire []byte) ([]byte, bool) {
	if len(wire) != 1 {
		return dst, false
	}
	return strconv.AppendBool(dst, wire[0] != 0), true
}

func appendInt(dst, wire []byte) ([]byte, bool) {
	var n int64
	switch len(wire) {
	case 2:
		n = int64(int16(binary.BigEndian.Uint16(wire)))
	case 4:
		n = int64(int32(binary.BigEndian.Uint32(wire)))
	case 8:
		n = int64(binary.BigEndian.Uint64(wire))
	default:
		return dst, false
	}
	return strconv.AppendInt(dst, n, 10), true
}

// appendFloat quotes values that are no JSON numbers.
func appendFloat(dst, wire []byte) ([]byte, bool) {
	switch string(wire) {
	case "NaN", "Infinity", "-Infinity":
		return appendString(dst, wire), true
	}
	for _, c := range wire {
		if (c < '0' || c > '9') && c != '-' && c != '.' && c != 'e' && c != '+' {
			return dst, false
		}
	}
	return append(dst, wire...), len(wire) > 0
}

// Values of a numeric's sign field.
const (
	numericPositive    = 0x0000
	numericNegative    = 0x4000
	numericNaN         = 0xC000
	numericInfinity    = 0xD000
	numericNegInfinity = 0xF000
)

// appendNumeric writes all digits, including trailing zeros up to the scale. The
// binary form is the count of base-10,000 digits, the weight of the first, the
// sign, the number of decimals to show, and the digits.
func appendNumeric(dst, wire []byte) ([]byte, bool) {
	if len(wire) < 8 {
		return dst, false
	}
	count := int(binary.BigEndian.Uint16(wire))
	weight := int(int16(binary.BigEndian.Uint16(wire[2:])))
	sign := binary.BigEndian.Uint16(wire[4:])
	scale := int(binary.BigEndian.Uint16(wire[6:]) & 0x3FFF)
	if len(wire) != 8+2*count {
		return dst, false
	}
	switch sign {
	case numericPositive:
	case numericNegative:
		dst = append(dst, '-')
	case numericNaN:
		return append(dst, `"NaN"`...), true
	case numericInfinity:
		return append(dst, `"Infinity"`...), true
	case numericNegInfinity:
		return append(dst, `"-Infinity"`...), true
	default:
		return dst, false
	}
	digit := func(i int) int {
		if i < 0 || i >= count {
			return 0
		}
		return int(binary.BigEndian.Uint16(wire[8+2*i:]))
	}
	dst = strconv.AppendInt(dst, int64(digit(min(0, weight))), 10)
	for i := 1; i <= weight; i++ {
		dst = append4(dst, digit(i))
	}
	if scale == 0 {
		return dst, true
	}
	dst = append(dst, '.')
	end := len(dst) + scale
	for i := weight + 1; len(dst) < end; i++ {
		dst = append4(dst, digit(i))
	}
	return dst[:end], true
}

// appendArray returns a writer of arrays of these elements, of any dimension.
func appendArray(element valueWriter) valueWriter {
	return func(dst, wire []byte) ([]byte, bool) {
		if len(wire) < 12 {
			return dst, false
		}
		dimensions := int(binary.BigEndian.Uint32(wire))
		if dimensions == 0 {
			return append(dst, "[]"...), true
		}
		if dimensions < 0 || dimensions > (len(wire)-12)/8 {
			return dst, false
		}
		sizes := wire[12 : 12+8*dimensions] // each followed by its lower bound, which JSON does not show
		dst, rest, ok := appendElements(dst, wire[12+8*dimensions:], sizes, element)
		return dst, ok && len(rest) == 0
	}
}

func appendElements(dst, wire, sizes []byte, element valueWriter) (_, rest []byte, ok bool) {
	for i := range binary.BigEndian.Uint32(sizes) {
		dst = append(dst, "[,"[min(i, 1)])
		switch {
		case len(sizes) > 8:
			dst, wire, ok = appendElements(dst, wire, sizes[8:], element)
		default:
			dst, wire, ok = appendValue(dst, wire, element)
		}
		if !ok {
			return dst, wire, false
		}
	}
	return append(dst, ']'), wire, true
}

// appendValue writes the first value in wire, which begins with its length or -1
// for null, and returns the rest of wire.
func appendValue(dst, wire []byte, write valueWriter) (_, rest []byte, ok bool) {
	if len(wire) < 4 {
		return dst, wire, false
	}
	size := int(int32(binary.BigEndian.Uint32(wire)))
	wire = wire[4:]
	if size < 0 {
		return append(dst, "null"...), wire, true
	}
	if size > len(wire) {
		return dst, wire, false
	}
	dst, ok = write(dst, wire[:size])
	return dst, wire[size:], ok
}
