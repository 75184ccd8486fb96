package web

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"satchel/schema"
)

// progress describes an export that is in progress.
type progress struct {
	Stage      string // one of the constants below
	Percent    int    // of the records to read
	Categories []categoryProgress
	Done       int // categories
	Records    int64
	Expected   int64
	Bytes      int64
	Began      time.Time
	Elapsed    time.Duration
	TimeLeft   time.Duration // 0 while unknown, and once the estimate has passed
}

// categoryProgress is the progress of one category.
type categoryProgress struct {
	schema.CategoryProgress
	Max int64 // what Records counts towards, at least 1
}

// Stages of an export in progress.
const (
	stageStarting   = "starting"
	stageReading    = "reading"
	stageAssembling = "assembling"
)

// A remaining time is estimated once some time has passed and some records are read.
// Assembling the file takes about assemblingShare of the time that reading took.
const (
	minElapsedToEstimate = 3 * time.Second
	minShareToEstimate   = 0.03
	assemblingShare      = 0.45
	minAssembling        = 10 * time.Second
)

// newProgress computes the progress of an export. Percent is the share of records, whose
// totals are estimates until a category is done.
func newProgress(e schema.Export, now time.Time) progress {
	p := progress{Stage: stageStarting, Began: e.RequestedAt}
	if e.ConfirmedAt != nil {
		p.Began = *e.ConfirmedAt
	}
	p.Elapsed = max(now.Sub(p.Began), 0)
	counted := 0
	for _, c := range e.Categories {
		shown := categoryProgress{CategoryProgress: c, Max: max(c.Records, 1)}
		if c.Expected != nil {
			counted++
			shown.Max = max(shown.Max, *c.Expected)
			p.Expected += max(c.Records, *c.Expected)
		}
		if c.Status == schema.CategoryDone {
			p.Done++
		}
		p.Records, p.Bytes = p.Records+c.Records, p.Bytes+c.Bytes
		p.Categories = append(p.Categories, shown)
	}
	switch all := len(e.Categories); {
	case all > 0 && p.Done == all:
		p.Stage, p.Percent = stageAssembling, 100
	case all > 0 && counted == all:
		p.Stage = stageReading
		share := float64(p.Records) / float64(max(p.Expected, 1))
		p.Percent = min(int(100*share), 99)
		if p.Elapsed >= minElapsedToEstimate && share >= minShareToEstimate {
			reading := float64(p.Elapsed) / share
			p.TimeLeft = time.Duration(reading*(1+assemblingShare)) - p.Elapsed
		}
	}
	return p
}

// progressWithEstimate is newProgress with an estimate for the assembling stage.
func (w *Web) progressWithEstimate(e schema.Export, now time.Time) progress {
	p := newProgress(e, now)
	if p.Stage == stageAssembling {
		read := w.readComplete.at(e.ID, now)
		whole := time.Duration(assemblingShare * float64(read.Sub(p.Began)))
		p.TimeLeft = max(max(whole, minAssembling)-now.Sub(read), 0)
	}
	return p
}

// firstSeen remembers when this server first saw that an export had been read, which no row
// records. The zero value is ready to use.
type firstSeen struct {
	mu    sync.Mutex
	times map[string]time.Time
}

// maxFirstSeen bounds the map. When it is full, all entries are dropped, and exports still in
// progress are recorded again.
const maxFirstSeen = 1000

// at returns when the export was first seen, recording now if it was not.
func (r *firstSeen) at(export string, now time.Time) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, known := r.times[export]; known {
		return at
	}
	if len(r.times)%maxFirstSeen == 0 {
		r.times = map[string]time.Time{}
	}
	r.times[export] = now
	return now
}

// RemainingText is the remaining time in words, or "" while it is unknown.
func (p progress) RemainingText() string {
	switch {
	case p.TimeLeft > 0:
		return formatEstimate(p.TimeLeft)
	case p.Stage == stageAssembling:
		return "taking longer than expected"
	}
	return ""
}

// Total is the expected number of records.
func (p progress) Total() int64 { return max(p.Expected, p.Records) }

// key changes whenever there is progress to show. Elapsed time does not count: the script on
// the page updates it.
func (p progress) key() string {
	var key strings.Builder
	fmt.Fprint(&key, p.Stage, " ")
	if p.Stage == stageAssembling { // nothing else changes in this stage
		fmt.Fprint(&key, p.RemainingText())
	}
	for _, c := range p.Categories {
		fmt.Fprint(&key, c.Status, c.Records, "/", c.Max, " ")
	}
	return key.String()
}

// Bar is the value of a category's progress bar. It is full for a finished category, also if
// there was nothing to read.
func (c categoryProgress) Bar() int64 {
	switch {
	case c.Status == schema.CategoryDone:
		return c.Max
	case c.Expected == nil:
		return 0
	}
	return c.Records
}

// Announce is what screen readers announce, at every quarter.
func (p progress) Announce() string {
	switch {
	case p.Stage == stageAssembling:
		return "All records have been read. The file is being assembled."
	case p.Percent >= 25:
		return fmt.Sprintf("%d percent of the records have been read.", p.Percent/25*25)
	}
	return "Your export is in progress."
}
