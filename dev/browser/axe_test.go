package browser

import (
	_ "embed"
	"fmt"
	"slices"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// axe is axe-core from npm; its licence is in the same directory.
//
//go:embed testdata/axe-core-4.14.1.min.js
var axe string

// violation is a violation of an accessibility rule, as axe reports it.
type violation struct {
	ID, Impact, Help string
	Nodes            []struct{ HTML, FailureSummary string }
}

// requireAccessible fails the test if axe finds violations on the page.
func (b *tab) requireAccessible(where string) {
	b.t.Helper()
	require.Empty(b.t, b.accessibilityViolations(), where)
}

// accessibilityViolations returns the serious and critical violations that axe finds.
// axe is loaded over the DevTools protocol, to which the page's Content Security Policy
// does not apply.
func (b *tab) accessibilityViolations() (text string) {
	b.t.Helper()
	if !mustEval[bool](b, "!!window.axe") {
		b.do("load axe", chromedp.Evaluate[chromedp.Void](axe))
	}
	found := mustEval[[]violation](b, `(await axe.run(document, {resultTypes: ['violations'], preload: false, iframes: false})).violations
		.map(v => ({id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.map(n => ({html: n.html, failureSummary: n.failureSummary}))}))`)
	found = slices.DeleteFunc(found, func(v violation) bool { return v.Impact != "serious" && v.Impact != "critical" })
	for _, v := range found {
		text += fmt.Sprintf("%s (%s): %s\n", v.ID, v.Impact, v.Help)
		for _, n := range v.Nodes {
			text += "  " + n.HTML + "\n    " + n.FailureSummary + "\n"
		}
	}
	return text
}
