package bench

import "math"

// Each is one kind of cost of an export: a fixed part, and a part for each million
// rows.
type Each struct {
	What              string
	Fixed, PerMillion float64
	Unit              string
}

// Scale is the data of scale.md.
type Scale struct {
	*Report
	Each []Each
}

// scale interpolates each cost linearly between a small export and a large one.
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

// of returns the cost of an export of that many million rows.
func (e Each) of(millions float64) float64 { return e.Fixed + e.PerMillion*millions }

// Assumptions of scale.md about a platform and its machines.
const (
	monthlyShare  = 0.01   // of the accounts request an export in a month
	averageRows   = 20_000 // of an account
	daysPerMonth  = 30
	peakFactor    = 3   // exports on the busiest day, divided by those on an average one
	retentionDays = 1   // for which a file is kept
	cores         = 2   // of one worker's machine
	utilization   = 0.5 // of the worker's cores
	secondsPerDay = 86_400
)

// Platform is the cost of the exports of a platform with a number of accounts.
type Platform struct {
	Accounts                                float64
	Exports                                 float64 // on the busiest day
	Actions, Requests                       float64 // in a month
	Stored                                  float64 // megabytes, on the busiest day
	DatabaseSeconds, ConnectionsAtOnce      float64 // on the busiest day
	WorkerSeconds, WorkersNeeded, PerSecond float64
}

// Platforms returns the rows of the table in scale.md.
func (s Scale) Platforms() (all []Platform) {
	for _, accounts := range []float64{1e4, 1e6, 1e8} {
		all = append(all, s.platform(accounts))
	}
	return all
}

func (s Scale) platform(accounts float64) Platform {
	millions := averageRows / 1e6
	monthly := accounts * monthlyShare
	day := monthly / daysPerMonth * peakFactor
	p := Platform{Accounts: accounts, Exports: day, PerSecond: day / secondsPerDay}
	p.Actions, p.Requests = monthly*s.Each[0].of(millions), monthly*s.Each[1].of(millions)
	p.Stored = day * retentionDays * s.Each[2].of(millions)
	p.DatabaseSeconds = day * s.Each[3].of(millions)
	p.ConnectionsAtOnce = day * s.Each[4].of(millions) / secondsPerDay
	p.WorkerSeconds = day * s.Each[5].of(millions)
	p.WorkersNeeded = max(2, math.Ceil(p.WorkerSeconds/(secondsPerDay*cores*utilization)))
	return p
}

// PerDay returns how many exports with that many rows one worker completes in a day:
// the number that its CPU allows, but no more than the measured throughput.
func (s Scale) PerDay(rows float64) float64 {
	byWork := secondsPerDay * cores / (s.Each[5].of(rows/1e6) + s.Each[3].of(rows/1e6))
	if many := median(s.Throughput.Ours) * 60 * 24; many > 0 {
		return min(byWork, many)
	}
	return byWork
}
