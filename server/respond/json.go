package respond

import "time"

// Timestamp formats a time as the JSON API does: RFC 3339 in UTC, to the
// millisecond.
func Timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// TimestampOrNull is Timestamp for a time that may be missing, which JSON shows as null.
func TimestampOrNull(t *time.Time) *string {
	if t == nil {
		return nil
	}
	s := Timestamp(*t)
	return &s
}

// StringOrNull returns nil, which JSON shows as null, for "".
func StringOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
