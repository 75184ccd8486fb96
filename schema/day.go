package schema

import "time"

// Day is a UTC calendar day, written yyyy-mm-dd. The zero Day means no day.
type Day string

const dayLayout = "2006-01-02"

// ParseDay parses a day strictly: ten characters and a date that exists.
func ParseDay(s string) (Day, bool) {
	if _, err := time.Parse(dayLayout, s); err != nil || len(s) != len(dayLayout) {
		return "", false
	}
	return Day(s), true
}

// DayOf returns the UTC day of an instant.
func DayOf(t time.Time) Day { return Day(t.UTC().Format(dayLayout)) }

// Begins returns the first instant of the day.
func (d Day) Begins() time.Time {
	t, _ := time.Parse(dayLayout, string(d))
	return t
}

// Plus returns the day that many days later.
func (d Day) Plus(days int) Day { return DayOf(d.Begins().AddDate(0, 0, days)) }

// DaysTo counts the days up to last, both included; 0 if last is earlier.
func (d Day) DaysTo(last Day) int {
	return max(0, int(last.Begins().Sub(d.Begins())/(24*time.Hour))+1)
}

// To lists the days up to last, both included.
func (d Day) To(last Day) []Day {
	days := make([]Day, d.DaysTo(last))
	for i := range days {
		days[i] = d.Plus(i)
	}
	return days
}
