package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"satchel/dev/demo"
	"satchel/dev/fixture"
)

// timeout limits each wait for a page. It is long, for busy machines.
const timeout = 90 * time.Second

// withTimeout returns a context for one operation.
func withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, timeout)
}

// tab is a browser tab.
type tab struct {
	t        *testing.T
	ctx      context.Context
	problems *problems
}

// newTab opens a tab in a new profile, without a session.
func newTab(t *testing.T) *tab {
	t.Helper()
	return open(t, browser(t), newProblems(t, hosts(t)...), chromedp.WithNewBrowserContext())
}

// signedInTab opens a tab in a new profile and signs in.
func signedInTab(t *testing.T, u demo.User) *tab {
	t.Helper()
	b := newTab(t)
	b.navigate(u.SignInURL)
	return b
}

// newTab opens a second tab in the same profile.
func (b *tab) newTab() *tab {
	b.t.Helper()
	return open(b.t, b.ctx, b.problems)
}

// open opens a tab that reports its problems to w.
func open(t *testing.T, from context.Context, w *problems, options ...chromedp.ContextOption) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(from, append(options, chromedp.WithListener(w.handle))...)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx, problems: w}
	require.NoError(t, chromedp.Do(ctx)) // without a deadline, which would close the tab
	b.do("enable audits", call(audits.Enable, cdp.Empty{}))
	b.do("set the time zone", call(emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Europe/Berlin"}))
	b.emulateDesktop()
	return b
}

// call sends a command of the DevTools protocol.
func call[P, R any](command cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, command, params)
		return err
	})
}

func (b *tab) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := withTimeout(b.ctx)
	defer cancel()
	require.NoError(b.t, chromedp.Do(ctx, actions...), what)
}

// navigate opens a URL, or a path on the server.
func (b *tab) navigate(address string) {
	b.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = shared.Stack(b.t).Demo.BaseURL + address
	}
	b.do("open a page", chromedp.Navigate(address))
}

// navigateExpecting opens a page and requires this error status.
func (b *tab) navigateExpecting(address string, status int) {
	b.t.Helper()
	b.problems.allowStatus(status)
	if strings.HasPrefix(address, "/") {
		address = shared.Stack(b.t).Demo.BaseURL + address
	}
	ctx, cancel := withTimeout(b.ctx)
	defer cancel()
	res, err := chromedp.Run(ctx, chromedp.NavigateResponse(address))
	require.NoError(b.t, err)
	require.EqualValues(b.t, status, res.Status)
}

func (b *tab) reload() { b.t.Helper(); b.do("reload", chromedp.Reload()) }

// back navigates to the previous entry of the history, as the back button does.
func (b *tab) back() {
	b.t.Helper()
	to := page.NavigateToHistoryEntryParams{EntryID: b.previousEntry()}
	b.awaitNavigation(func() { b.do("go back", call(page.NavigateToHistoryEntry, to)) })
}

func (b *tab) previousEntry() int64 {
	b.t.Helper()
	ctx, cancel := withTimeout(b.ctx)
	defer cancel()
	history, err := chromedp.Run(ctx, chromedp.NavigationEntries())
	require.NoError(b.t, err)
	require.Positive(b.t, history.CurrentIndex)
	return history.Entries[history.CurrentIndex-1].ID
}

// eval evaluates an expression on the page and decodes its value.
func eval[T any](b *tab, script string) (T, error) {
	ctx, cancel := withTimeout(b.ctx)
	defer cancel()
	var decoded T
	value, err := chromedp.Run(ctx, chromedp.Evaluate[string]("(async () => JSON.stringify("+script+") ?? 'null')()", chromedp.EvalAwaitPromise))
	if err == nil {
		err = json.Unmarshal([]byte(value), &decoded)
	}
	return decoded, err
}

// mustEval is eval for expressions that must succeed.
func mustEval[T any](b *tab, script string) T {
	b.t.Helper()
	value, err := eval[T](b, script)
	require.NoError(b.t, err, script)
	return value
}

// waitUntil waits until an expression is true. The page may change meanwhile.
func (b *tab) waitUntil(what, condition string) {
	b.t.Helper()
	deadline := time.Now().Add(timeout)
	for {
		met, err := eval[bool](b, "!!("+condition+")")
		if err == nil && met {
			return
		}
		if b.ctx.Err() != nil || time.Now().After(deadline) {
			require.FailNow(b.t, "the page never reached: "+what, "%v\n%s", err, b.describe())
		}
		fixture.Pause(b.t, 20*time.Millisecond)
	}
}

// describe returns the beginning of the page, for failure messages.
func (b *tab) describe() string {
	text, _ := eval[string](b, "location.pathname.replace(/[A-Za-z0-9_-]{40,}/, '…') + '\\n' + document.querySelector('main').innerText.slice(0, 500)")
	return text
}

// waitFor waits for an element.
func (b *tab) waitFor(selector string) {
	b.t.Helper()
	b.waitUntil(selector, fmt.Sprintf("document.querySelector(%q)", selector))
}

// waitForText waits for a text, in any case.
func (b *tab) waitForText(words string) {
	b.t.Helper()
	b.waitUntil(words, fmt.Sprintf("document.body && document.body.innerText.toLowerCase().includes(%q)", strings.ToLower(words)))
}

// waitForStatus waits until the page shows the export with this status.
func (b *tab) waitForStatus(status string) {
	b.t.Helper()
	b.waitUntil("the export is "+status, fmt.Sprintf("document.querySelector('#export')?.dataset.status === %q", status))
}

func (b *tab) exists(selector string) bool {
	b.t.Helper()
	return mustEval[bool](b, fmt.Sprintf("!!document.querySelector(%q)", selector))
}

func (b *tab) text(selector string) string {
	b.t.Helper()
	b.waitFor(selector)
	return strings.TrimSpace(mustEval[string](b, fmt.Sprintf("document.querySelector(%q).innerText", selector)))
}

func (b *tab) path() string {
	b.t.Helper()
	return mustEval[string](b, "location.pathname")
}

// clickPoint returns the middle of an element that can be clicked: it exists, is in
// view, not disabled, and not covered.
const clickPoint = `(selector => {
	const e = document.querySelector(selector)
	if (!e || e.disabled) return null
	e.scrollIntoView({block: 'center', behavior: 'instant'})
	const r = e.getClientRects()[0]
	if (!r || !r.width) return null
	const x = r.x + r.width / 2, y = r.y + r.height / 2
	const hit = document.elementFromPoint(x, y)
	return hit && (e.contains(hit) || hit.contains(e)) ? {x, y} : null
})(%q)`

type point struct{ X, Y float64 }

// click clicks an element with the mouse as soon as it can be clicked.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.waitUntil("something to click at "+selector, fmt.Sprintf(clickPoint, selector))
	at := mustEval[*point](b, fmt.Sprintf(clickPoint, selector))
	require.NotNil(b.t, at, selector)
	b.do("click "+selector, chromedp.MouseClickXY(at.X, at.Y))
}

// clickLink clicks an element that opens another page, and waits for that page. It
// clicks again if the element was redrawn under the mouse.
func (b *tab) clickLink(selector string) {
	b.t.Helper()
	b.awaitNavigation(func() {
		from := mustEval[float64](b, "performance.timeOrigin")
		for origin, deadline := from, time.Now().Add(timeout); origin == from && time.Now().Before(deadline); {
			b.click(selector)
			for retryAt := time.Now().Add(10 * time.Second); origin == from && time.Now().Before(retryAt); fixture.Pause(b.t, 20*time.Millisecond) {
				if now, err := eval[float64](b, "performance.timeOrigin"); err == nil {
					origin = now
				}
			}
		}
	})
}

// awaitNavigation calls do, which opens another page, and waits for that page.
func (b *tab) awaitNavigation(do func()) {
	b.t.Helper()
	from := mustEval[float64](b, "performance.timeOrigin")
	do()
	b.waitUntil("another page", fmt.Sprintf("performance.timeOrigin !== %f && document.readyState === 'complete'", from))
}

// emulateDesktop and emulatePhone set the size of the window.
func (b *tab) emulateDesktop() {
	b.t.Helper()
	b.do("set desktop size", chromedp.EmulateViewport(1280, 900))
}

func (b *tab) emulatePhone() {
	b.t.Helper()
	b.do("set phone size", chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile))
}

// emulateColours sets the preferred colour scheme.
func (b *tab) emulateColours(scheme string) {
	b.t.Helper()
	b.do("prefer "+scheme, call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	}))
}

// setOnline connects or disconnects the network of the tab, and allows the script errors
// that follow.
func (b *tab) setOnline(online bool) {
	b.t.Helper()
	b.problems.allowText("[object Event]", "[object ProgressEvent]", "htmx:afterRequest", "htmx:sendError", "ERR_INTERNET_DISCONNECTED")
	b.do("set online", call(network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{{Offline: !online, DownloadThroughput: -1, UploadThroughput: -1}},
	}))
}

// refocus fires the event of a tab that is shown again.
func (b *tab) refocus() {
	b.t.Helper()
	b.do("refocus", chromedp.Evaluate[chromedp.Void](`document.dispatchEvent(new Event('visibilitychange'))`))
}
