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
)

// patience is how long anything on a page may take: much more than it does,
// for machines that have other things to do.
const patience = 90 * time.Second

// within is a context for one thing on a page.
func within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, patience)
}

// tab is somebody looking at a page.
type tab struct {
	t     *testing.T
	ctx   context.Context
	watch *watch
}

// visit opens a tab in a profile of its own: nobody is signed in.
func visit(t *testing.T) *tab {
	t.Helper()
	return open(t, browser(t), newWatch(t, hosts(t)...), chromedp.WithNewBrowserContext())
}

// signIn opens a tab of somebody who is signed in.
func signIn(t *testing.T, u demo.User) *tab {
	t.Helper()
	b := visit(t)
	b.navigate(u.SignInURL)
	return b
}

// another opens a second tab of the same person.
func (b *tab) another() *tab {
	b.t.Helper()
	return open(b.t, b.ctx, b.watch)
}

func open(t *testing.T, from context.Context, w *watch, options ...chromedp.ContextOption) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(from, append(options, chromedp.WithListener(w.hear))...)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx, watch: w}
	require.NoError(t, chromedp.Do(ctx)) // its lifetime is the test's, so it has no deadline
	b.do("listen to the auditor", call(audits.Enable, cdp.Empty{}))
	b.do("be somewhere", call(emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Europe/Berlin"}))
	b.desk()
	return b
}

// call is a command of the DevTools protocol.
func call[P, R any](command cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, command, params)
		return err
	})
}

func (b *tab) do(what string, deeds ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := within(b.ctx)
	defer cancel()
	require.NoError(b.t, chromedp.Do(ctx, deeds...), what)
}

// navigate opens an address; one of our own pages may be named by its path.
func (b *tab) navigate(address string) {
	b.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = stack(b.t).Demo.BaseURL + address
	}
	b.do("open a page", chromedp.Navigate(address))
}

// refused opens a page that is meant to answer with this status.
func (b *tab) refused(address string, status int) {
	b.t.Helper()
	b.watch.expect(status)
	if strings.HasPrefix(address, "/") {
		address = stack(b.t).Demo.BaseURL + address
	}
	ctx, cancel := within(b.ctx)
	defer cancel()
	answer, err := chromedp.Run(ctx, chromedp.NavigateResponse(address))
	require.NoError(b.t, err)
	require.EqualValues(b.t, status, answer.Status)
}

func (b *tab) reload() { b.t.Helper(); b.do("reload", chromedp.Reload()) }

// back presses the back button.
func (b *tab) back() {
	b.t.Helper()
	to := page.NavigateToHistoryEntryParams{EntryID: b.entryBefore()}
	b.leave(func() { b.do("go back", call(page.NavigateToHistoryEntry, to)) })
}

func (b *tab) entryBefore() int64 {
	b.t.Helper()
	ctx, cancel := within(b.ctx)
	defer cancel()
	history, err := chromedp.Run(ctx, chromedp.NavigationEntries())
	require.NoError(b.t, err)
	require.Positive(b.t, history.CurrentIndex)
	return history.Entries[history.CurrentIndex-1].ID
}

// eval asks the page; what it says is decoded as JSON.
func eval[T any](b *tab, script string) (T, error) {
	ctx, cancel := within(b.ctx)
	defer cancel()
	var answer T
	said, err := chromedp.Run(ctx, chromedp.Evaluate[string]("(async () => JSON.stringify("+script+") ?? 'null')()", chromedp.EvalAwaitPromise))
	if err == nil {
		err = json.Unmarshal([]byte(said), &answer)
	}
	return answer, err
}

// ask is eval where the page must answer.
func ask[T any](b *tab, script string) T {
	b.t.Helper()
	answer, err := eval[T](b, script)
	require.NoError(b.t, err, script)
	return answer
}

// until waits until the page says that something is so. Pages come and go
// meanwhile.
func (b *tab) until(what, condition string) {
	b.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		is, err := eval[bool](b, "!!("+condition+")")
		if err == nil && is {
			return
		}
		if b.ctx.Err() != nil || time.Now().After(deadline) {
			require.FailNow(b.t, "never on the page: "+what, "%v\n%s", err, b.describe())
		}
		pause(b.t, 20*time.Millisecond)
	}
}

// describe is how the page begins at the moment, for whoever reads a failure.
func (b *tab) describe() string {
	said, _ := eval[string](b, "location.pathname.replace(/[A-Za-z0-9_-]{40,}/, '…') + '\\n' + document.querySelector('main').innerText.slice(0, 500)")
	return said
}

// until, for selectors and words.
func (b *tab) untilThere(selector string) {
	b.t.Helper()
	b.until(selector, fmt.Sprintf("document.querySelector(%q)", selector))
}

func (b *tab) untilSays(words string) {
	b.t.Helper()
	b.until(words, fmt.Sprintf("document.body && document.body.innerText.toLowerCase().includes(%q)", strings.ToLower(words)))
}

func (b *tab) untilStatus(status string) {
	b.t.Helper()
	b.until("the export is "+status, fmt.Sprintf("document.querySelector('#export')?.dataset.status === %q", status))
}

func (b *tab) there(selector string) bool {
	b.t.Helper()
	return ask[bool](b, fmt.Sprintf("!!document.querySelector(%q)", selector))
}

func (b *tab) text(selector string) string {
	b.t.Helper()
	b.untilThere(selector)
	return strings.TrimSpace(ask[string](b, fmt.Sprintf("document.querySelector(%q).innerText", selector)))
}

func (b *tab) path() string {
	b.t.Helper()
	return ask[string](b, "location.pathname")
}

// place finds the middle of an element that can be clicked: it is there, in
// view, not disabled, and nothing lies over it.
const place = `(selector => {
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

// click clicks an element with the mouse as soon as one can.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.until("something to click at "+selector, fmt.Sprintf(place, selector))
	at := ask[*point](b, fmt.Sprintf(place, selector))
	require.NotNil(b.t, at, selector)
	b.do("click "+selector, chromedp.MouseClickXY(at.X, at.Y))
}

// follow clicks what leads to another page, and waits until that is there. What
// was drawn anew under the mouse is clicked again, as anybody does.
func (b *tab) follow(selector string) {
	b.t.Helper()
	b.leave(func() {
		from := ask[float64](b, "performance.timeOrigin")
		for is, again := from, time.Now().Add(patience); is == from && time.Now().Before(again); {
			b.click(selector)
			for missed := time.Now().Add(10 * time.Second); is == from && time.Now().Before(missed); pause(b.t, 20*time.Millisecond) {
				if now, err := eval[float64](b, "performance.timeOrigin"); err == nil {
					is = now
				}
			}
		}
	})
}

// leave does what leads to another page, and waits until that is there.
func (b *tab) leave(do func()) {
	b.t.Helper()
	from := ask[float64](b, "performance.timeOrigin")
	do()
	b.until("another page", fmt.Sprintf("performance.timeOrigin !== %f && document.readyState === 'complete'", from))
}

// desk and phone are the two sizes that pages are looked at in.
func (b *tab) desk() { b.t.Helper(); b.do("at a desk", chromedp.EmulateViewport(1280, 900)) }

func (b *tab) phone() {
	b.t.Helper()
	b.do("on a phone", chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile))
}

// in sets the colours that the reader prefers.
func (b *tab) in(scheme string) {
	b.t.Helper()
	b.do("prefer "+scheme, call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	}))
}

// connected makes the network of the tab come or go. Scripts may complain of it.
func (b *tab) connected(is bool) {
	b.t.Helper()
	b.watch.excuse("[object Event]", "[object ProgressEvent]", "htmx:afterRequest", "htmx:sendError", "ERR_INTERNET_DISCONNECTED")
	b.do("come or go", call(network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{{Offline: !is, DownloadThroughput: -1, UploadThroughput: -1}},
	}))
}

// lookAgain is the reader who comes back to the tab.
func (b *tab) lookAgain() {
	b.t.Helper()
	b.do("look again", chromedp.Evaluate[chromedp.Void](`document.dispatchEvent(new Event('visibilitychange'))`))
}

// pause waits a moment between two looks.
func pause(t *testing.T, d time.Duration) {
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}
