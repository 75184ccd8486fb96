package browser

import (
	_ "embed"
	"fmt"
	"slices"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// axe-core, from npm; its licence is beside it.
//
//go:embed testdata/axe-core-4.14.1.min.js
var axe string

// violation is a rule of accessibility that a page breaks.
type violation struct {
	ID, Impact, Help string
	Nodes            []struct{ HTML, FailureSummary string }
}

// requireAccessible holds that nothing on the page as it stands keeps people out.
func (b *tab) requireAccessible(where string) {
	b.t.Helper()
	require.Empty(b.t, b.barriers(), where)
}

// barriers are what axe finds serious or critical. It comes over the DevTools
// protocol, which the page's Content Security Policy does not concern, so that
// the policy stays in force meanwhile.
func (b *tab) barriers() (said string) {
	b.t.Helper()
	if !ask[bool](b, "!!window.axe") {
		b.do("bring axe", chromedp.Evaluate[chromedp.Void](axe))
	}
	found := ask[[]violation](b, `(await axe.run(document, {resultTypes: ['violations'], preload: false, iframes: false})).violations
		.map(v => ({id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.map(n => ({html: n.html, failureSummary: n.failureSummary}))}))`)
	found = slices.DeleteFunc(found, func(v violation) bool { return v.Impact != "serious" && v.Impact != "critical" })
	for _, v := range found {
		said += fmt.Sprintf("%s (%s): %s\n", v.ID, v.Impact, v.Help)
		for _, n := range v.Nodes {
			said += "  " + n.HTML + "\n    " + n.FailureSummary + "\n"
		}
	}
	return said
}
