package mailbox

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// Fault is an injected failure: after POST /faults the next Count mails are
// answered with Status; with Count 0, all until DELETE /faults.
type Fault struct {
	Status     int  `json:"status"`
	Count      int  `json:"count"`
	RetryAfter int  `json:"retryAfter"` // seconds, sent as Retry-After
	Deliver    bool `json:"deliver"`    // store the mail all the same
}

// Fail injects a failure; nil ends it.
func (m *Mailbox) Fail(f *Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = f
}

// setFault handles POST and DELETE /faults.
func (m *Mailbox) setFault(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodDelete {
		m.Fail(nil)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	var f Fault
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&f); err != nil || f.Status < 400 || f.Status > 599 || f.Count < 0 {
		invalid("A fault has a `status` from 400 to 599 and a `count` from 0.").write(w)
		return
	}
	m.Fail(&f)
	writeJSON(w, http.StatusOK, f)
}

// takeFault returns the failure for the next mail, or nil.
func (m *Mailbox) takeFault() *Fault {
	f := m.fault
	if f == nil || f.Count == 0 {
		return f
	}
	left := *f
	if left.Count--; left.Count == 0 {
		m.fault = nil
	} else {
		m.fault = &left
	}
	return f
}

func (f *Fault) write(w http.ResponseWriter) {
	name := "application_error"
	if f.Status == http.StatusTooManyRequests {
		name = "rate_limit_exceeded"
	}
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	(&apiError{f.Status, name, "This failure was requested at /faults."}).write(w)
}
