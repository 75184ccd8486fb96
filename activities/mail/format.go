package mail

import (
	"strings"
	"time"
	"unicode"

	"satchel/schema"
)

// Maximum lengths in characters, beyond which a value is cut.
const (
	maxName    = 80
	maxJobName = 100
	maxReason  = 300
)

// sanitize makes untrusted text safe for a subject line and for running text: one
// line, no control or invisible formatting characters (so none that change the
// writing direction), no URL scheme that a mail program would turn into a link, and
// at most limit characters.
func sanitize(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\u200c' || r == '\u200d': // joiners are needed for Persian, Hindi and emoji
			return r
		case unicode.Is(unicode.Cf, r), r == unicode.ReplacementChar:
			return -1
		case unicode.IsControl(r), unicode.IsSpace(r):
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	s = strings.Join(strings.Fields(strings.ReplaceAll(s, "://", " ")), " ")
	if runes := []rune(s); len(runes) > limit {
		s = strings.TrimSpace(string(runes[:limit-1])) + "…"
	}
	return s
}

// unlinked breaks what a mail program would turn into a link, such as evil.example or
// joe@evil.example, with a space of no width behind each dot, colon and @.
func unlinked(s string) string {
	runes := []rune(s)
	var out strings.Builder
	for i, r := range runes {
		out.WriteRune(r)
		if strings.ContainsRune(".:@", r) && i+1 < len(runes) && runes[i+1] != ' ' {
			out.WriteRune('\u200b')
		}
	}
	return out.String()
}

// formatTime formats a time in its own time zone, with seconds unless they are zero, and
// names the zone by its distance from UTC.
func formatTime(t time.Time) string {
	layout := "Monday, 2 January 2006, 15:04"
	if t.Second() != 0 {
		layout += ":05"
	}
	text := t.Format(layout) + " UTC"
	if _, offset := t.Zone(); offset != 0 {
		text += strings.TrimSuffix(t.Format("-07:00"), ":00")
	}
	return text
}

// formatDuration formats a duration in its two largest units: "24 hours", "3 days",
// "90 seconds", "2 hours and 30 minutes". It rounds down.
func formatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	units := []struct {
		length time.Duration
		name   string
		from   time.Duration // shorter durations use smaller units
	}{{day, "day", 2 * day}, {time.Hour, "hour", time.Hour}, {time.Minute, "minute", 2 * time.Minute}, {time.Second, "second", 0}}
	for i, u := range units {
		if d < u.from {
			continue
		}
		text := schema.Plural(int64(d/u.length), u.name)
		if i+1 < len(units) {
			if rest := d % u.length / units[i+1].length; rest > 0 {
				text += " and " + schema.Plural(int64(rest), units[i+1].name)
			}
		}
		return text
	}
	return schema.Plural(0, "second")
}

// formatSize returns, for example, "812 bytes" or "1.2 GB (1,234,567,890 bytes)".
func formatSize(n int64) string {
	exact, rounded := schema.Plural(n, "byte"), schema.FormatBytes(n)
	if rounded == exact {
		return exact
	}
	return rounded + " (" + exact + ")"
}

// categoryList returns the titles of the categories, as in "users, calls and flows".
func categoryList(categories []schema.Category) string {
	titles := make([]string, len(categories))
	for i, c := range categories {
		titles[i] = c.Title()
	}
	last := len(titles) - 1
	if last < 1 {
		return strings.Join(titles, "")
	}
	return strings.Join(titles[:last], ", ") + " and " + titles[last]
}
