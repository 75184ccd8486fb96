package mail

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"satchel/schema"
)

// The longest name, job's name and reason that a letter repeats, in characters.
const (
	longestName    = 80
	longestJobName = 100
	longestReason  = 300
)

// clean makes a word that somebody else chose fit for a subject line and for
// running text: one line, no control or invisible formatting characters (so
// none that turn the direction of writing), nothing that a mail program would
// take for a link with a scheme, and no longer than limit.
func clean(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\u200c' || r == '\u200d': // joiners belong to Persian, Hindi and emoji
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

// instant is a moment in UTC, to the second where it does not fall on a minute.
func instant(t time.Time) string {
	layout := "Monday, 2 January 2006, 15:04 MST"
	if t = t.UTC(); t.Second() != 0 {
		layout = "Monday, 2 January 2006, 15:04:05 MST"
	}
	return t.Format(layout)
}

// span is a length of time in its two largest units: "24 hours", "3 days",
// "90 seconds", "2 hours and 30 minutes". It never says more than d.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	units := []struct {
		length time.Duration
		name   string
		from   time.Duration // shorter spans are told in smaller units
	}{{day, "day", 2 * day}, {time.Hour, "hour", time.Hour}, {time.Minute, "minute", 2 * time.Minute}, {time.Second, "second", 0}}
	for i, u := range units {
		if d < u.from {
			continue
		}
		said := count(int64(d/u.length), u.name)
		if i+1 < len(units) {
			if rest := d % u.length / units[i+1].length; rest > 0 {
				said += " and " + count(int64(rest), units[i+1].name)
			}
		}
		return said
	}
	return count(0, "second")
}

// count is "1 record", "2,000 records".
func count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(n) + " " + noun + "s"
}

func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// size is "812 bytes" or "1.2 GB (1,234,567,890 bytes)", as the pages write it.
func size(n int64) string {
	exact := count(n, "byte")
	value, unit := float64(n), ""
	for _, u := range []string{"kB", "MB", "GB", "TB", "PB"} {
		if value < 999.95 {
			break
		}
		value, unit = value/1000, u
	}
	if unit == "" {
		return exact
	}
	return fmt.Sprintf("%.1f %s (%s)", value, unit, exact)
}

// contents names everything that an archive holds.
func contents() string {
	titles := make([]string, len(schema.Categories))
	for i, c := range schema.Categories {
		titles[i] = c.Title()
	}
	last := len(titles) - 1
	return strings.Join(titles[:last], ", ") + " and " + titles[last]
}
