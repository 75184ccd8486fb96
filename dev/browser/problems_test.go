package browser

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
)

// problems records the errors, warnings and issues that a browser reports.
type problems struct {
	t     *testing.T
	hosts []string // ours; a request to any other is a problem

	mu       sync.Mutex
	found    []string
	statuses []int    // expected error statuses
	texts    []string // expected texts
}

func newProblems(t *testing.T, hosts ...string) *problems {
	w := &problems{t: t, hosts: hosts}
	t.Cleanup(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, problem := range w.found {
			t.Errorf("the browser reports: %s", problem)
		}
	})
	return w
}

// allowStatus allows an error status of pages in this test.
func (w *problems) allowStatus(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.statuses = append(w.statuses, status)
}

// allowText allows problems with these texts in this test.
func (w *problems) allowText(words ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.texts = append(w.texts, words...)
}

// add records a problem unless its text is allowed.
func (w *problems) add(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	problem := fmt.Sprintf(format, args...)
	if slices.ContainsFunc(w.texts, func(words string) bool { return strings.Contains(problem, words) }) {
		return
	}
	w.found = append(w.found, problem)
}

// handle handles all events of a tab.
func (w *problems) handle(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		w.add("uncaught: %s", e.ExceptionDetails.Text+" "+describe(e.ExceptionDetails.Exception))
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			var args []string
			for _, arg := range e.Args {
				args = append(args, describe(arg))
			}
			w.add("console.%s: %s", e.Type, strings.Join(args, " "))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			if !w.isAllowed(e.Entry) {
				w.add("%s (%s): %s", e.Entry.Source, e.Entry.URL, e.Entry.Text)
			}
		}
	case *audits.EventIssueAdded:
		w.issue(e.Issue)
	case *network.EventRequestWillBeSent:
		to, err := url.Parse(e.Request.URL)
		if err != nil || (to.Scheme == "http" || to.Scheme == "https") && !slices.Contains(w.hosts, to.Host) {
			w.add("a request to %s", to.Host)
		}
	}
}

// issue records an issue of the browser's auditor.
func (w *problems) issue(i *audits.InspectorIssue) {
	if csp := i.Details.ContentSecurityPolicyIssueDetails; csp != nil {
		w.add("Content Security Policy: %s %s", csp.ViolatedDirective, csp.BlockedURL)
		return
	}
	w.add("issue: %s", i.Code)
}

// isAllowed reports whether an entry is about an allowed status.
func (w *problems) isAllowed(entry *log.Entry) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return entry.Source == log.EntrySourceNetwork && slices.ContainsFunc(w.statuses, func(status int) bool {
		return strings.Contains(entry.Text, fmt.Sprintf("responded with a status of %d", status))
	})
}

func describe(o *runtime.RemoteObject) string {
	if o == nil {
		return ""
	}
	if o.Description != "" {
		return o.Description
	}
	return string(o.Value)
}
