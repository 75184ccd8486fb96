package web

import (
	"fmt"
	"strings"
	"time"

	"satchel/schema"
)

// jobView is a bulk job on the page.
type jobView struct {
	schema.Job
	Requester string
	Queue     schema.QueueStatus
	State     string // one of the constants below
	Counts    []dayCount
	Grid      []dayCell
	Columns   int // of Grid
	Rows      int
	EndedDays int
	Records   int64
	Estimate  string // remaining time in words, "" if unknown
}

// States of a job as a whole.
const (
	jobWaiting    = "waiting"
	jobRunning    = "running"
	jobDeleting   = "deleting"
	jobDone       = "done"
	jobIncomplete = "failed" // ended, and some of its days failed
	jobDeleted    = "deleted"
)

// dayCount is how many days of a job have a status, and which.
type dayCount struct {
	Status schema.DayStatus
	Days   int
	Ranges string
}

// dayCell is a day in the grid of a job.
type dayCell struct {
	X, Y int
	schema.JobDay
}

// The grid of a job has one row of up to maxColumns days, which fits a phone, or else one row
// per weekday, like a calendar. cellSize is in pixels.
const (
	maxColumns = 16
	cellSize   = 20
)

// newJobView builds the view of a job at the time now.
func newJobView(job schema.Job, queue schema.QueueStatus, now time.Time) jobView {
	v := jobView{Job: job, Queue: queue, Rows: 1}
	byStatus := map[schema.DayStatus][]schema.Day{}
	monday := 0
	if len(job.Days) > maxColumns {
		v.Rows, monday = 7, (int(job.Start.Begins().Weekday())+6)%7
	}
	for i, d := range job.Days {
		byStatus[d.Status] = append(byStatus[d.Status], d.Day)
		cell := i + monday
		v.Grid = append(v.Grid, dayCell{cell / v.Rows * cellSize, cell % v.Rows * cellSize, d})
		v.Columns = cell/v.Rows + 1
		v.Records += d.Records
		if d.Status.Ended() {
			v.EndedDays++
		}
	}
	for _, s := range schema.DayStatuses {
		if days := byStatus[s]; len(days) > 0 {
			v.Counts = append(v.Counts, dayCount{s, len(days), formatRanges(days)})
		}
	}
	v.State = jobState(job, v.EndedDays, len(byStatus[schema.DayRunning])+len(byStatus[schema.DayErrorDuringRun]), byStatus)
	if job.EndedAt == nil && job.DeletingAt == nil && !queue.EstimatedEnd.IsZero() {
		v.Estimate = formatEstimate(queue.EstimatedEnd.Sub(now))
	}
	return v
}

func jobState(job schema.Job, ended, started int, byStatus map[schema.DayStatus][]schema.Day) string {
	switch {
	case job.EndedAt != nil && job.DeletingAt != nil:
		return jobDeleted
	case job.EndedAt != nil && len(byStatus[schema.DayFailed]) > 0:
		return jobIncomplete
	case job.EndedAt != nil:
		return jobDone
	case job.DeletingAt != nil:
		return jobDeleting
	case ended+started > 0:
		return jobRunning
	}
	return jobWaiting
}

// HasRecords reports whether the job has ended with records that can be downloaded.
func (v jobView) HasRecords() bool { return v.EndedAt != nil && v.Records > 0 }

// IsOpen reports whether the job has not ended.
func (v jobView) IsOpen() bool { return v.EndedAt == nil }

// QueuePosition is the position of a waiting job in the queue, starting at 1, else 0.
func (v jobView) QueuePosition() int {
	if v.State != jobWaiting {
		return 0
	}
	return v.Queue.Position
}

// Wide reports whether the grid is wider than a phone.
func (v jobView) Wide() bool { return v.Columns > maxColumns }

// Width and Height are the size of the grid in pixels.
func (v jobView) Width() int  { return v.Columns*cellSize - 4 }
func (v jobView) Height() int { return v.Rows*cellSize - 4 }

// AltText describes the grid in words.
func (v jobView) AltText() string {
	parts := make([]string, len(v.Counts))
	for i, c := range v.Counts {
		parts[i] = fmt.Sprintf("%d %s", c.Days, statusLabels[c.Status])
	}
	return schema.Plural(int64(len(v.Days)), "day") + ": " + strings.Join(parts, ", ")
}

// Announce is what screen readers announce about the newest job: every quarter of its
// progress, and its end.
func (v bulkLive) Announce() string {
	if len(v.Jobs) == 0 {
		return ""
	}
	switch j := v.Jobs[0]; j.State {
	case jobDone, jobIncomplete:
		return "Job done: " + j.AltText() + "."
	case jobDeleted:
		return "The job was deleted."
	case jobRunning:
		return fmt.Sprintf("Job in progress: %d percent of the days are done.", 100*j.EndedDays/max(len(j.Days), 1)/25*25)
	}
	return "The job is waiting to start."
}

// statusLabels are the labels of day statuses.
var statusLabels = map[schema.DayStatus]string{
	schema.DaySubmitted: "waiting", schema.DayRunning: "being written", schema.DayErrorDuringRun: "to be retried",
	schema.DayCompleted: "done", schema.DayCompletedEmpty: "without records", schema.DayFailed: "failed",
	schema.DayRunningToBeDeleted: "being stopped", schema.DayDeleted: "deleted",
}
