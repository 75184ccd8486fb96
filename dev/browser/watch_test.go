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

// watch hears everything a browser complains of.
type watch struct {
	t     *testing.T
	hosts []string // ours; a request to any other is a complaint

	mu         sync.Mutex
	complaints []string
	expected   []int    // statuses of pages that are meant to refuse
	excused    []string // what scripts may say in this test
}

func newWatch(t *testing.T, hosts ...string) *watch {
	w := &watch{t: t, hosts: hosts}
	t.Cleanup(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, complaint := range w.complaints {
			t.Errorf("the browser complains: %s", complaint)
		}
	})
	return w
}

// expect says that a page may answer with this status in this test.
func (w *watch) expect(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expected = append(w.expected, status)
}

// excuse says that scripts may complain of this in this test.
func (w *watch) excuse(words ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.excused = append(w.excused, words...)
}

func (w *watch) complain(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	complaint := fmt.Sprintf(format, args...)
	if slices.ContainsFunc(w.excused, func(words string) bool { return strings.Contains(complaint, words) }) {
		return
	}
	w.complaints = append(w.complaints, complaint)
}

// hear takes every event of a tab.
func (w *watch) hear(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		w.complain("uncaught: %s", e.ExceptionDetails.Text+" "+describe(e.ExceptionDetails.Exception))
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			var said []string
			for _, arg := range e.Args {
				said = append(said, describe(arg))
			}
			w.complain("console.%s: %s", e.Type, strings.Join(said, " "))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			if !w.wasExpected(e.Entry) {
				w.complain("%s (%s): %s", e.Entry.Source, e.Entry.URL, e.Entry.Text)
			}
		}
	case *audits.EventIssueAdded:
		w.issue(e.Issue)
	case *network.EventRequestWillBeSent:
		to, err := url.Parse(e.Request.URL)
		if err != nil || (to.Scheme == "http" || to.Scheme == "https") && !slices.Contains(w.hosts, to.Host) {
			w.complain("a request to %s", to.Host)
		}
	}
}

// issue counts every issue the browser's auditor has, other than remarks that
// a page refused as it was meant to.
func (w *watch) issue(i *audits.InspectorIssue) {
	if csp := i.Details.ContentSecurityPolicyIssueDetails; csp != nil {
		w.complain("Content Security Policy: %s %s", csp.ViolatedDirective, csp.BlockedURL)
		return
	}
	w.complain("issue: %s", i.Code)
}

// wasExpected tells whether an entry only says that a page refused.
func (w *watch) wasExpected(entry *log.Entry) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return entry.Source == log.EntrySourceNetwork && slices.ContainsFunc(w.expected, func(status int) bool {
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
