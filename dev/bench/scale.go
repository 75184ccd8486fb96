package bench

import "math"

// Each is what one export costs: so much whatever its size, and so much for
// each million rows.
type Each struct {
	What              string
	Fixed, PerMillion float64
	Unit              string
}

// Scale is what the page on cost and scale computes from.
type Scale struct {
	*Report
	Each []Each
}

// scale draws a line through a small export and a large one.
func (r *Report) scale() Scale {
	small, large := r.Small.Cost, r.Large
	s := Scale{Report: r}
	line := func(what, unit string, of func(Cost) float64) {
		slope := 0.0
		if large.Rows > small.Rows {
			slope = max(0, (of(large)-of(small))/float64(large.Rows-small.Rows))
		}
		s.Each = append(s.Each, Each{what, max(0, of(small)-slope*float64(small.Rows)), slope * 1e6, unit})
	}
	line("Billable Temporal actions", "", func(c Cost) float64 { return float64(c.Actions.Total()) })
	line("S3 requests", "", func(c Cost) float64 {
		n := 0
		for _, of := range c.Requests {
			n += of
		}
		return float64(n)
	})
	line("Bytes stored for a day", "MB", func(c Cost) float64 { return float64(c.Stored) / 1e6 })
	line("Postgres, processor seconds", "s", func(c Cost) float64 { return c.Database.Seconds() })
	line("Source connections held, seconds", "s", func(c Cost) float64 { return c.Connections.Seconds() })
	line("Worker, processor seconds", "s", func(c Cost) float64 { return c.Worker.Seconds() })
	line("Confirmed to completed", "s", func(c Cost) float64 { return c.Took.Seconds() })
	return s
}

// of is what an export of so many million rows costs.
func (e Each) of(millions float64) float64 { return e.Fixed + e.PerMillion*millions }

// What the page supposes of a platform's customers.
const (
	askedAMonth  = 0.01   // of the accounts ask for an export in a month
	averageRows  = 20_000 // that an account has
	daysAMonth   = 30
	busiestDay   = 3   // times as many as on an average day
	retentionDay = 1   // that a file is kept
	cores        = 2   // of one worker's machine
	headroom     = 0.5 // of what it can do is what it is given
	secondsADay  = 86_400
)

// Platform is what exports cost a platform of so many accounts.
type Platform struct {
	Accounts                                float64
	Exports                                 float64 // on the busiest day
	Actions, Requests                       float64 // in a month
	Stored                                  float64 // megabytes, on the busiest day
	DatabaseSeconds, ConnectionsAtOnce      float64 // on the busiest day
	WorkerSeconds, WorkersNeeded, PerSecond float64
}

// Platforms are those of the page.
func (s Scale) Platforms() (all []Platform) {
	for _, accounts := range []float64{1e4, 1e6, 1e8} {
		all = append(all, s.platform(accounts))
	}
	return all
}

func (s Scale) platform(accounts float64) Platform {
	millions := averageRows / 1e6
	monthly := accounts * askedAMonth
	day := monthly / daysAMonth * busiestDay
	p := Platform{Accounts: accounts, Exports: day, PerSecond: day / secondsADay}
	p.Actions, p.Requests = monthly*s.Each[0].of(millions), monthly*s.Each[1].of(millions)
	p.Stored = day * retentionDay * s.Each[2].of(millions)
	p.DatabaseSeconds = day * s.Each[3].of(millions)
	p.ConnectionsAtOnce = day * s.Each[4].of(millions) / secondsADay
	p.WorkerSeconds = day * s.Each[5].of(millions)
	p.WorkersNeeded = max(2, math.Ceil(p.WorkerSeconds/(secondsADay*cores*headroom)))
	return p
}

// PerDay is how many exports of so many rows one worker makes in a day, by
// whichever is less: what it can compute, and what was measured of many at once.
func (s Scale) PerDay(rows float64) float64 {
	byWork := secondsADay * cores / (s.Each[5].of(rows/1e6) + s.Each[3].of(rows/1e6))
	if many := median(s.Throughput.Ours) * 60 * 24; many > 0 {
		return min(byWork, many)
	}
	return byWork
}
