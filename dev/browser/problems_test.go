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
	hosts []string // a request to any other host is a problem

	mu       sync.Mutex
	found    []string
	statuses []int    // expected error statuses
	texts    []string // expected texts
}

func newProblems(t *testing.T, hosts ...string) *problems {
	p := &problems{t: t, hosts: hosts}
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, problem := range p.found {
			t.Errorf("the browser reports: %s", problem)
		}
	})
	return p
}

// allowStatus allows an error status of pages in this test.
func (p *problems) allowStatus(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.statuses = append(p.statuses, status)
}

// allowText allows problems with these texts in this test.
func (p *problems) allowText(words ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.texts = append(p.texts, words...)
}

// add records a problem unless its text is allowed.
func (p *problems) add(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	problem := fmt.Sprintf(format, args...)
	if slices.ContainsFunc(p.texts, func(words string) bool { return strings.Contains(problem, words) }) {
		return
	}
	p.found = append(p.found, problem)
}

// handle handles all events of a tab.
func (p *problems) handle(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		p.add("uncaught: %s", e.ExceptionDetails.Text+" "+describe(e.ExceptionDetails.Exception))
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			var args []string
			for _, arg := range e.Args {
				args = append(args, describe(arg))
			}
			p.add("console.%s: %s", e.Type, strings.Join(args, " "))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			if !p.isAllowed(e.Entry) {
				p.add("%s (%s): %s", e.Entry.Source, e.Entry.URL, e.Entry.Text)
			}
		}
	case *audits.EventIssueAdded:
		p.issue(e.Issue)
	case *network.EventRequestWillBeSent:
		to, err := url.Parse(e.Request.URL)
		if err != nil || (to.Scheme == "http" || to.Scheme == "https") && !slices.Contains(p.hosts, to.Host) {
			p.add("a request to %s", to.Host)
		}
	}
}

// issue records an issue of the browser's auditor.
func (p *problems) issue(i *audits.InspectorIssue) {
	if csp := i.Details.ContentSecurityPolicyIssueDetails; csp != nil {
		p.add("Content Security Policy: %s %s", csp.ViolatedDirective, csp.BlockedURL)
		return
	}
	p.add("issue: %s", i.Code)
}

// isAllowed reports whether an entry is about an allowed status.
func (p *problems) isAllowed(entry *log.Entry) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return entry.Source == log.EntrySourceNetwork && slices.ContainsFunc(p.statuses, func(status int) bool {
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
