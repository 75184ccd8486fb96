package web

import (
	"strings"
	"time"

	"satchel/schema"
)

// formatTime formats a time in UTC; the script on the page converts it to the reader's time
// zone. It can break only before the time of day.
func formatTime(t time.Time) string {
	return t.UTC().Format("2\u00a0Jan\u00a02006, 15:04\u00a0UTC")
}

// formatDuration formats a window of time: "24 hours".
func formatDuration(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		switch {
		case d == unit.length:
			return "1 " + unit.name
		case d >= unit.length && d%unit.length == 0:
			return schema.FormatCount(int64(d/unit.length)) + " " + unit.name + "s"
		}
	}
	return d.String()
}

// formatElapsed formats a running time in its two largest units: "6 days 23 h", "1 h 20 min",
// "2 min 5 s". static/site.js formats it the same way.
func formatElapsed(d time.Duration) string {
	d = max(d, 0).Truncate(time.Second)
	h, m, s := int64(d/time.Hour), int64(d%time.Hour/time.Minute), int64(d%time.Minute/time.Second)
	switch {
	case h >= 48:
		return schema.FormatCount(h/24) + " days " + schema.FormatCount(h%24) + " h"
	case h > 0:
		return schema.FormatCount(h) + " h " + schema.FormatCount(m) + " min"
	case m > 0:
		return schema.FormatCount(m) + " min " + schema.FormatCount(s) + " s"
	}
	return schema.FormatCount(s) + " s"
}

// formatEstimate formats an estimated remaining time.
func formatEstimate(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return "a few seconds"
	case d < 50*time.Second:
		return "less than a minute"
	case d < 90*time.Second:
		return "about a minute"
	case d < 90*time.Minute:
		return "about " + schema.FormatCount(int64(d.Round(time.Minute)/time.Minute)) + " minutes"
	}
	return "about " + schema.FormatCount(int64(d.Round(time.Hour)/time.Hour)) + " hours"
}

// categoryTitle is a category's title, capitalised.
func categoryTitle(c schema.Category) string {
	words := c.Title()
	return strings.ToUpper(words[:1]) + words[1:]
}

// statusTitle is an export's status as its badge shows it: "Pending".
func statusTitle(s schema.Status) string {
	return strings.ToUpper(string(s[:1])) + string(s[1:])
}

// maxRanges is how many ranges of days are listed.
const maxRanges = 3

// formatRanges formats ascending days, joining consecutive ones to ranges.
func formatRanges(days []schema.Day) string {
	var parts []string
	for i := 0; i < len(days); {
		j := i
		for j+1 < len(days) && days[j].Plus(1) == days[j+1] {
			j++
		}
		if parts = append(parts, formatDateRange(days[i], days[j])); len(parts) > maxRanges {
			return strings.Join(parts[:maxRanges], "; ") + "; and others"
		}
		i = j + 1
	}
	return strings.Join(parts, "; ")
}

// formatDate formats a day without line breaks.
func formatDate(d schema.Day) string { return d.Begins().Format("2\u00a0Jan\u00a02006") }

// formatDateRange formats a first and a last day, naming a shared month or year once.
func formatDateRange(first, last schema.Day) string {
	a, b := first.Begins(), last.Begins()
	switch {
	case first == last:
		return formatDate(first)
	case a.Year() != b.Year():
		return formatDate(first) + " to " + formatDate(last)
	case a.Month() != b.Month():
		return a.Format("2\u00a0Jan") + " to " + formatDate(last)
	}
	return a.Format("2") + " to " + formatDate(last)
}

// formatDays formats a duration in days if it is a whole number of them, else like
// formatDuration.
func formatDays(d time.Duration) string {
	if day := 24 * time.Hour; d >= day && d%day == 0 {
		return schema.Plural(int64(d/day), "day")
	}
	return formatDuration(d)
}

// timestamp is a time and how far it is from now.
type timestamp struct {
	At       time.Time
	Distance time.Duration
}

func until(now, t time.Time) timestamp { return timestamp{t, t.Sub(now)} }
