package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is the result of a run. What was not measured is empty.
type Report struct {
	Quick   bool
	Began   time.Time
	Took    time.Duration
	Machine Machine

	Sizes      []Size
	Small      Small
	Large      Cost // of the largest account whose cost was counted
	Download   Downloads
	Throughput Throughput
	Workers    []WorkersRun
	Bulk       Bulk
	Stages     []Stage
}

// Line is a measurement, with the promise about it if there is one.
type Line struct {
	What, Value, Reference string
	Ratio                  float64 // compared with floor and goal
	Unit                   string
	Floor, Goal            float64 // both 0 if nothing is promised
	MoreIsBetter           bool
}

// Measured formats the ratio.
func (l Line) Measured() string { return short(l.Ratio) + l.Unit }

// Promised formats a floor or a goal; "" if it is 0.
func (l Line) Promised(limit float64) string {
	if limit == 0 {
		return ""
	}
	return strings.TrimSuffix(strings.TrimSuffix(fmt.Sprintf("%.1f", limit), "0"), ".") + l.Unit
}

// Verdict returns "goal", "floor" or "missed", or "" if nothing is promised.
func (l Line) Verdict() string {
	reaches := func(limit float64) bool {
		if l.MoreIsBetter {
			return l.Ratio >= limit
		}
		return l.Ratio <= limit
	}
	switch {
	case l.Goal == 0:
		return ""
	case reaches(l.Goal):
		return "goal"
	case reaches(l.Floor):
		return "floor"
	}
	return "missed"
}

// Lines returns the measurements that the table shows.
func (r *Report) Lines() (lines []Line) {
	if s, ok := r.Million(); ok {
		lines = append(lines, Line{What: "Export of " + grouped(s.Rows) + " rows ÷ psql and gzip -1", Value: seconds(median(s.Ours)),
			Reference: seconds(median(s.Baseline)), Ratio: s.Ratio(), Floor: 1, Goal: 0.7})
	}
	if small, large, ok := r.sizesToCompare(); ok {
		lines = append(lines, Line{What: fmt.Sprintf("Seconds for a million rows, at %s ÷ at %s", grouped(large.Rows), grouped(small.Rows)),
			Value: fmt.Sprintf("%.2f s", large.PerMillion()), Reference: fmt.Sprintf("%.2f s", small.PerMillion()),
			Ratio: large.PerMillion() / small.PerMillion(), Floor: 1.5, Goal: 1.1})
	}
	if len(r.Sizes) > 0 {
		peak := slices.MaxFunc(r.Sizes, func(a, b Size) int { return int(a.Peak - b.Peak) })
		lines = append(lines, Line{What: "Peak memory of the worker, any size", Value: mebibytes(peak.Peak), Reference: "at " + grouped(peak.Rows) + " rows",
			Ratio: float64(peak.Peak) / (1 << 20), Unit: " MiB", Floor: 256, Goal: 128})
	}
	if took := r.Small.Took; len(took) > 0 {
		lines = append(lines, Line{What: "Confirmed to completed, " + grouped(smallRows) + " rows, idle", Value: seconds(median(took)),
			Reference: fmt.Sprintf("%s to %s in %d", seconds(slices.Min(took)), seconds(slices.Max(took)), len(took)),
			Ratio:     median(took).Seconds(), Unit: " s", Floor: 1.5, Goal: 0.6})
	}
	if n := r.Small.Cost.Actions.Total(); n > 0 {
		lines = append(lines, Line{What: "Temporal actions of a small export", Value: fmt.Sprint(n), Reference: "from the request to the removal",
			Ratio: float64(n), Floor: 40, Goal: 25})
	}
	if d := r.Download; d.Bytes > 0 {
		lines = append(lines, Line{What: "Download with gzip ÷ a plain GET from S3", Value: speed(d.Bytes, median(d.Ours)), Reference: speed(d.Bytes, median(d.Plain)),
			Ratio: d.Ratio(), Floor: 0.4, Goal: 0.8, MoreIsBetter: true})
	}
	if t := r.Throughput; t.Exports > 0 {
		lines = append(lines, Line{What: fmt.Sprintf("Small exports a minute, %d in flight ÷ bare workflows", t.InFlight),
			Value: fmt.Sprintf("%.0f", median(t.Ours)), Reference: fmt.Sprintf("%.0f", median(t.Bare)), Ratio: t.Ratio(), MoreIsBetter: true})
	}
	if j := r.Bulk; j.Messages > 0 {
		lines = append(lines, Line{What: fmt.Sprintf("Bulk job, %d days, %s messages ÷ psql and gzip -1", j.Days, grouped(j.Messages)),
			Value: seconds(median(j.Ours)), Reference: seconds(median(j.Baseline)), Ratio: j.Ratio()})
	}
	return lines
}

// Million returns the size nearest to a million rows, which the table compares with
// the baseline.
func (r *Report) Million() (Size, bool) {
	if len(r.Sizes) == 0 {
		return Size{}, false
	}
	distance := func(s Size) int64 { return max(s.Rows-1_000_000, 1_000_000-s.Rows) }
	return slices.MinFunc(r.Sizes, func(a, b Size) int { return int(distance(a) - distance(b)) }), true
}

// sizesToCompare returns the largest size, and the size that its time per row is
// compared with: the largest other one of at most a hundred thousand rows. ok is false
// if that is no larger than a small account.
func (r *Report) sizesToCompare() (small, large Size, ok bool) {
	for i, s := range r.Sizes {
		if s.Rows <= 100_000 && i < len(r.Sizes)-1 {
			small = s
		}
		large = s
	}
	return small, large, small.Rows > smallRows && large.Rows > small.Rows
}

func speed(bytes int64, took time.Duration) string {
	return fmt.Sprintf("%.0f MB/s", float64(bytes)/1e6/took.Seconds())
}

// Print writes the table.
func (r *Report) Print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\tSatchel\treference\tmeasured\tfloor\tgoal\tverdict")
	for _, l := range r.Lines() {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.What, l.Value, l.Reference, l.Measured(), l.Promised(l.Floor), l.Promised(l.Goal), l.Verdict())
	}
	return table.Flush()
}
