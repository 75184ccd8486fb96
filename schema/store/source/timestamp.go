package source

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
)

// appendTimestamp writes an instant, received as microseconds since 2000, in
// ISO 8601 in UTC, as in "2026-11-21T17:00:00.25Z". The largest and smallest are
// "infinity" and "-infinity".
func appendTimestamp(dst, wire []byte) ([]byte, bool) { return appendMicros(dst, wire, "Z") }

// appendLocalTimestamp writes a timestamp without a time zone in the same form without
// the Z: it is no instant, and must not look like one.
func appendLocalTimestamp(dst, wire []byte) ([]byte, bool) { return appendMicros(dst, wire, "") }

func appendMicros(dst, wire []byte, zone string) ([]byte, bool) {
	if len(wire) != 8 {
		return dst, false
	}
	micros := int64(binary.BigEndian.Uint64(wire))
	switch micros {
	case math.MaxInt64:
		return append(dst, `"infinity"`...), true
	case math.MinInt64:
		return append(dst, `"-infinity"`...), true
	}
	const perDay = 24 * 60 * 60 * 1_000_000
	days, ofDay := micros/perDay, micros%perDay
	if ofDay < 0 {
		days, ofDay = days-1, ofDay+perDay
	}
	year, month, day := civilDate(days)
	seconds, fraction := int(ofDay/1_000_000), int(ofDay%1_000_000)

	dst = appendYear(append(dst, '"'), year)
	dst = append2(append(dst, '-'), month)
	dst = append2(append(dst, '-'), day)
	dst = append2(append(dst, 'T'), seconds/3600)
	dst = append2(append(dst, ':'), seconds/60%60)
	dst = append2(append(dst, ':'), seconds%60)
	if fraction != 0 {
		dst = append2(append4(append(dst, '.'), fraction/100), fraction%100)
		dst = bytes.TrimRight(dst, "0")
	}
	return append(append(dst, zone...), '"'), true
}

// civilDate returns the date that many days after 2000-01-01 in the proleptic
// Gregorian calendar, which ISO 8601 and Postgres use. It counts in eras of 400
// years that begin in March, so that a leap day is the last day of its year.
func civilDate(days int64) (year, month, day int) {
	const perEra = 400*365 + 97
	days += 730425 // since 1 March of the year 0
	era := days / perEra
	if days < 0 {
		era = (days - perEra + 1) / perEra
	}
	ofEra := int(days - era*perEra)
	yearOfEra := (ofEra - ofEra/1460 + ofEra/36524 - ofEra/146096) / 365
	ofYear := ofEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	month = (5*ofYear + 2) / 153 // from March = 0
	day = ofYear - (153*month+2)/5 + 1
	year = int(era)*400 + yearOfEra
	if month < 10 {
		return year, month + 3, day
	}
	return year + 1, month - 9, day
}

// appendYear writes four digits, or a sign and six digits outside the years 0000
// to 9999: the expanded form of ISO 8601, which JavaScript reads too. A date of Postgres
// can have a year of seven digits.
func appendYear(dst []byte, year int) []byte {
	switch {
	case year < 0:
		return append4(append2(append(dst, '-'), -year/10000), -year%10000)
	case year > 9999:
		if year > 999999 {
			return strconv.AppendInt(append(dst, '+'), int64(year), 10)
		}
		return append4(append2(append(dst, '+'), year/10000), year%10000)
	}
	return append4(dst, year)
}

// append2 and append4 append n with two and four digits.
func append2(dst []byte, n int) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }

func append4(dst []byte, n int) []byte { return append2(append2(dst, n/100), n%100) }

// appendDate writes a date, received as Postgres' text.
func appendDate(dst, wire []byte) ([]byte, bool) { return appendDateText(dst, wire), true }

// appendDateText rewrites a date or timestamp from Postgres' JSON, such as
// 2026-11-21T17:00:00.25+00:00 or 0044-03-15 BC, to the form of appendTimestamp or
// appendLocalTimestamp.
func appendDateText(dst, text []byte) []byte {
	dst = append(dst, '"')
	number, rest, dated := bytes.Cut(text, []byte("-"))
	year, err := strconv.Atoi(string(number))
	if !dated || err != nil {
		return append(append(dst, text...), '"') // infinity
	}
	if before, bc := bytes.CutSuffix(rest, []byte(" BC")); bc {
		rest, year = before, 1-year // there is a year 0, which is 1 BC
	}
	rest, inUTC := bytes.CutSuffix(rest, []byte("+00:00"))
	dst = append(append(appendYear(dst, year), '-'), rest...)
	if inUTC {
		dst = append(dst, 'Z')
	}
	return append(dst, '"')
}
