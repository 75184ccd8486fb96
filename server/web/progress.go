package web

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"satchel/schema"
)

// progress is how far an export that is being made has come.
type progress struct {
	Stage      string // see below
	Percent    int    // of what is to be read
	Categories []categoryProgress
	Done       int // categories
	Records    int64
	Expected   int64
	Bytes      int64
	Began      time.Time
	Elapsed    time.Duration
	Left       time.Duration // 0 while nobody can know, and once it should be over
}

// categoryProgress is the same for one category.
type categoryProgress struct {
	schema.CategoryProgress
	Most int64 // what Records counts towards, at least 1
}

// An export that is being made is started, which takes until all its records
// are counted, read, and put together.
const (
	isStarting   = "starting"
	isReading    = "reading"
	isAssembling = "assembling"
)

// Estimates wait until there is something to go by. Putting the file together
// takes about so much of the time that reading took, and that at least.
const (
	patienceToEstimate = 3 * time.Second
	shareToEstimate    = 0.03
	assemblingShare    = 0.45
	leastAssembling    = 10 * time.Second
)

// progressOf counts how far an export has come. Its share is that of the
// records, of which there are estimates only until a category is done.
func progressOf(e schema.Export, now time.Time) progress {
	p := progress{Stage: isStarting, Began: e.RequestedAt}
	if e.ConfirmedAt != nil {
		p.Began = *e.ConfirmedAt
	}
	p.Elapsed = max(now.Sub(p.Began), 0)
	counted := 0
	for _, c := range e.Categories {
		shown := categoryProgress{CategoryProgress: c, Most: max(c.Records, 1)}
		if c.Expected != nil {
			counted++
			shown.Most = max(shown.Most, *c.Expected)
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
		p.Stage, p.Percent = isAssembling, 100
	case all > 0 && counted == all:
		p.Stage = isReading
		share := float64(p.Records) / float64(max(p.Expected, 1))
		p.Percent = min(int(100*share), 99)
		if p.Elapsed >= patienceToEstimate && share >= shareToEstimate {
			reading := float64(p.Elapsed) / share
			p.Left = time.Duration(reading*(1+assemblingShare)) - p.Elapsed
		}
	}
	return p
}

// progress is progressOf, with an estimate also while the file is put together.
func (w *Web) progress(e schema.Export, now time.Time) progress {
	p := progressOf(e, now)
	if p.Stage == isAssembling {
		read := w.reads.of(e.ID, now)
		whole := time.Duration(assemblingShare * float64(read.Sub(p.Began)))
		p.Left = max(max(whole, leastAssembling)-now.Sub(read), 0)
	}
	return p
}

// reads remembers when this server first saw that an export was read, which no
// row tells. The zero value is ready.
type reads struct {
	mu   sync.Mutex
	seen map[string]time.Time
}

// mostReads is how many are remembered. Beyond that all are forgotten, and
// those still under way are seen for the first time again.
const mostReads = 1000

// of is when that was, which is now where it had not been seen before.
func (r *reads) of(export string, now time.Time) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, known := r.seen[export]; known {
		return at
	}
	if len(r.seen)%mostReads == 0 {
		r.seen = map[string]time.Time{}
	}
	r.seen[export] = now
	return now
}

// Remaining says how long it will take; "" while nobody can know.
func (p progress) Remaining() string {
	switch {
	case p.Left > 0:
		return roughly(p.Left)
	case p.Stage == isAssembling:
		return "taking longer than expected"
	}
	return ""
}

// Total is what all counts are expected to come to.
func (p progress) Total() int64 { return max(p.Expected, p.Records) }

// key changes whenever there is something new to see. Time that goes by is for
// the page to count.
func (p progress) key() string {
	var key strings.Builder
	fmt.Fprint(&key, p.Stage, " ")
	if p.Stage == isAssembling { // nothing else moves meanwhile
		fmt.Fprint(&key, p.Remaining())
	}
	for _, c := range p.Categories {
		fmt.Fprint(&key, c.Status, c.Records, "/", c.Most, " ")
	}
	return key.String()
}

// Bar is the value and the end of a category's bar. One that is done is full
// also when there was nothing to read.
func (c categoryProgress) Bar() int64 {
	switch {
	case c.Status == schema.CategoryDone:
		return c.Most
	case c.Expected == nil:
		return 0
	}
	return c.Records
}

// Announce is said to those who listen rather than look, at every quarter.
func (p progress) Announce() string {
	switch {
	case p.Stage == isAssembling:
		return "All records are read. The file is being put together."
	case p.Percent >= 25:
		return fmt.Sprintf("%d percent of the records are read.", p.Percent/25*25)
	}
	return "Your export is being made."
}
