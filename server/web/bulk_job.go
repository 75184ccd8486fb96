package web

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"satchel/schema"
)

// jobView is a bulk job on the page.
type jobView struct {
	schema.Job
	By      string
	Queue   schema.Queue
	State   string // see below
	Counts  []dayCount
	Cells   []dayCell
	Columns int // of the grid
	Rows    int
	Done    int // days that have ended
	Records int64
	Ready   string // how long it may take, in words, "" where nobody can know
}

// How a job stands as a whole.
const (
	jobWaits    = "waiting"
	jobRuns     = "running"
	jobLeaves   = "deleting"
	jobIsDone   = "done"
	jobHasHoles = "failed" // it is through, and some of its days failed
	jobIsGone   = "deleted"
)

// dayCount is how many days of a job stand alike, and which.
type dayCount struct {
	Status schema.DayStatus
	Days   int
	Which  string
}

// dayCell is a day in the grid of a job.
type dayCell struct {
	X, Y int
	schema.JobDay
}

// A grid has one row for as many days as a phone has room for, else a row for
// each weekday, as calendars have.
const (
	longestStrip = 16
	cellSize     = 20
)

func showJob(job schema.Job, queue schema.Queue, now time.Time) jobView {
	v := jobView{Job: job, Queue: queue, Rows: 1}
	which := map[schema.DayStatus][]schema.Day{}
	monday := 0
	if len(job.Days) > longestStrip {
		v.Rows, monday = 7, (int(job.Start.Begins().Weekday())+6)%7
	}
	for i, d := range job.Days {
		which[d.Status] = append(which[d.Status], d.Day)
		at := i + monday
		v.Cells = append(v.Cells, dayCell{at / v.Rows * cellSize, at % v.Rows * cellSize, d})
		v.Columns = at/v.Rows + 1
		v.Records += d.Records
		if d.Status.Ended() {
			v.Done++
		}
	}
	for _, s := range schema.DayStatuses {
		if days := which[s]; len(days) > 0 {
			v.Counts = append(v.Counts, dayCount{s, len(days), runs(days)})
		}
	}
	v.State = stateOfJob(job, v.Done, len(which[schema.DayRunning])+len(which[schema.DayErrorDuringRun]), which)
	if job.EndedAt == nil && job.DeletingAt == nil && !queue.Estimate.IsZero() {
		v.Ready = roughly(queue.Estimate.Sub(now))
	}
	return v
}

func stateOfJob(job schema.Job, done, begun int, which map[schema.DayStatus][]schema.Day) string {
	switch {
	case job.EndedAt != nil && job.DeletingAt != nil:
		return jobIsGone
	case job.EndedAt != nil && len(which[schema.DayFailed]) > 0:
		return jobHasHoles
	case job.EndedAt != nil:
		return jobIsDone
	case job.DeletingAt != nil:
		return jobLeaves
	case done+begun > 0:
		return jobRuns
	}
	return jobWaits
}

// Unended tells whether something will happen to it yet.
func (v jobView) Unended() bool { return v.EndedAt == nil }

// InLine is how many jobs are in front of one that waits, and itself; else 0.
func (v jobView) InLine() int {
	if v.State != jobWaits {
		return 0
	}
	return v.Queue.Position
}

// Wide tells whether a phone has room for only a part of the grid.
func (v jobView) Wide() bool { return v.Columns > longestStrip }

// Width and Height are those of the grid.
func (v jobView) Width() int  { return v.Columns*cellSize - 4 }
func (v jobView) Height() int { return v.Rows*cellSize - 4 }

// Alternative says what the grid shows.
func (v jobView) Alternative() string {
	parts := make([]string, len(v.Counts))
	for i, c := range v.Counts {
		parts[i] = fmt.Sprintf("%d %s", c.Days, statusWords[c.Status])
	}
	return plural(int64(len(v.Days)), "day") + ": " + strings.Join(parts, ", ")
}

// Announce is said of the newest job, to those who listen rather than look:
// at every quarter, and at its end.
func (v bulkLive) Announce() string {
	if len(v.Jobs) == 0 {
		return ""
	}
	switch j := v.Jobs[0]; j.State {
	case jobIsDone, jobHasHoles:
		return "Job done: " + j.Alternative() + "."
	case jobIsGone:
		return "The job is deleted."
	case jobRuns:
		return fmt.Sprintf("Job under way: %d percent of the days are done.", 100*j.Done/max(len(j.Days), 1)/25*25)
	}
	return "Waiting for the job to begin."
}

// statusWords are the statuses of days for people.
var statusWords = map[schema.DayStatus]string{
	schema.DaySubmitted: "waiting", schema.DayRunning: "being written", schema.DayErrorDuringRun: "to be tried again",
	schema.DayCompleted: "done", schema.DayCompletedEmpty: "without records", schema.DayFailed: "failed",
	schema.DayRunningToBeDeleted: "being stopped", schema.DayDeleted: "deleted",
}

// mostRuns is how many runs of days are named one by one.
const mostRuns = 3

// runs writes ascending days for people, those together that follow each other.
func runs(days []schema.Day) string {
	var parts []string
	for i := 0; i < len(days); {
		j := i
		for j+1 < len(days) && days[j].Plus(1) == days[j+1] {
			j++
		}
		if parts = append(parts, dates(days[i], days[j])); len(parts) > mostRuns {
			return strings.Join(parts[:mostRuns], "; ") + "; and others"
		}
		i = j + 1
	}
	return strings.Join(parts, "; ")
}

// date writes a day for people, in one piece.
func date(d schema.Day) string { return d.Begins().Format("2\u00a0Jan\u00a02006") }

// dates writes a first and a last day, and what they share only once.
func dates(first, last schema.Day) string {
	a, b := first.Begins(), last.Begins()
	switch {
	case first == last:
		return date(first)
	case a.Year() != b.Year():
		return date(first) + " to " + date(last)
	case a.Month() != b.Month():
		return a.Format("2\u00a0Jan") + " to " + date(last)
	}
	return a.Format("2") + " to " + date(last)
}

// days writes a time in days where it is some, else as hours does.
func days(d time.Duration) string {
	if day := 24 * time.Hour; d >= day && d%day == 0 {
		return plural(int64(d/day), "day")
	}
	return hours(d)
}

// fileView is a day file on the page, at an instant.
type fileView struct {
	Now  time.Time
	File schema.DayFile
}

// byDay leaves the newest files in front, and puts those of one job, which are
// made in any order, the newest day first.
func byDay(files []schema.DayFile) {
	group := func(f schema.DayFile) string { return cmp.Or(f.Job, string(f.Day)) }
	first := map[string]int{}
	for i, f := range slices.Backward(files) {
		first[group(f)] = i
	}
	slices.SortStableFunc(files, func(a, b schema.DayFile) int {
		return cmp.Or(cmp.Compare(first[group(a)], first[group(b)]), cmp.Compare(b.Day, a.Day))
	})
}

// FirstFiles are those that are seen at once, and OtherFiles the others.
func (v bulkLive) FirstFiles() []schema.DayFile { return v.Files[:min(len(v.Files), firstFiles)] }
func (v bulkLive) OtherFiles() []schema.DayFile { return v.Files[min(len(v.Files), firstFiles):] }

// deliveryView is a webhook on the page.
type deliveryView struct{ schema.Event }

// Subject says what it tells of.
func (v deliveryView) Subject() string {
	if v.Job == "" {
		return fmt.Sprintf("Daily export of %s, %s", v.Type, date(v.Day))
	}
	return v.Name
}
