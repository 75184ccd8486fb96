package web

import (
	"strconv"
	"strings"
	"time"

	"satchel/schema"
)

// when writes a time for people, in UTC because the server knows no other; the
// script on the page turns it into the reader's own. A line breaks before the
// time of day if anywhere.
func when(t time.Time) string {
	return t.UTC().Format("2\u00a0Jan\u00a02006, 15:04\u00a0UTC")
}

// hours writes a window for people.
func hours(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		switch {
		case d == unit.length:
			return "1 " + unit.name
		case d >= unit.length && d%unit.length == 0:
			return count(int64(d/unit.length)) + " " + unit.name + "s"
		}
	}
	return d.String()
}

// span writes a time that runs, in the two units that matter: "6 days 23 h",
// "1 h 20 min", "2 min 5 s". The script writes it the same way.
func span(d time.Duration) string {
	d = max(d, 0).Truncate(time.Second)
	h, m, s := int64(d/time.Hour), int64(d%time.Hour/time.Minute), int64(d%time.Minute/time.Second)
	switch {
	case h >= 48:
		return count(h/24) + " days " + count(h%24) + " h"
	case h > 0:
		return count(h) + " h " + count(m) + " min"
	case m > 0:
		return count(m) + " min " + count(s) + " s"
	}
	return count(s) + " s"
}

// roughly writes how long something will take, as well as that can be known.
func roughly(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return "a few seconds"
	case d < 50*time.Second:
		return "less than a minute"
	case d < 90*time.Second:
		return "about a minute"
	case d < 90*time.Minute:
		return "about " + count(int64(d.Round(time.Minute)/time.Minute)) + " minutes"
	}
	return "about " + count(int64(d.Round(time.Hour)/time.Hour)) + " hours"
}

// bytesInWords writes a size for people, in the units of disks.
func bytesInWords(n int64) string {
	units := []string{"bytes", "kB", "MB", "GB", "TB"}
	value, unit := float64(n), 0
	for value >= 999.95 && unit < len(units)-1 {
		value, unit = value/1000, unit+1
	}
	if unit == 0 {
		return plural(n, "byte")
	}
	return strconv.FormatFloat(value, 'f', 1, 64) + " " + units[unit]
}

// plural is "1 record", "2,000 records".
func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}

// count writes a number with its thousands apart.
func count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// title is a category as it begins a line.
func title(c schema.Category) string {
	words := c.Title()
	return strings.ToUpper(words[:1]) + words[1:]
}

// moment is a time that comes or has been, and how far off it is.
type moment struct {
	At  time.Time
	Off time.Duration
}

func until(now, t time.Time) moment { return moment{t, t.Sub(now)} }
func since(now, t time.Time) moment { return moment{t, now.Sub(t)} }
