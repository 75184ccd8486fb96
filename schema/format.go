package schema

import "strconv"

// FormatCount formats a number with thousands separators: "1,234,567".
func FormatCount(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Plural formats a number with its noun: "1 record", "2,000 records". The plural of the noun
// must be formed with "s".
func Plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return FormatCount(n) + " " + noun + "s"
}

// FormatBytes formats a size with one decimal, in powers of 1000: "812 bytes", "1.2 GB".
func FormatBytes(n int64) string {
	value, unit := float64(n), ""
	for _, u := range []string{"kB", "MB", "GB", "TB", "PB"} {
		if value < 999.95 {
			break
		}
		value, unit = value/1000, u
	}
	if unit == "" {
		return Plural(n, "byte")
	}
	return strconv.FormatFloat(value, 'f', 1, 64) + " " + unit
}
