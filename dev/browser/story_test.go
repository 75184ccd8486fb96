package browser

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"satchel/schema"
)

const dataExport = "/settings/data-export"

func TestFromRequestToRemovalByClicks(t *testing.T) {
	c := newCompany(t, map[schema.Category]int64{"calls": 40_000, "contacts": 3_000, "charges": 2_000})

	// Whoever comes is asked to sign in, and is taken to where they wanted to go.
	owner := visit(t)
	owner.refused(dataExport, 401)
	owner.signInAs(c)
	owner.untilStatus("none")
	for _, category := range schema.Categories {
		owner.untilSays(category.Title())
	}
	owner.follow("#ask")
	owner.untilStatus("pending")
	owner.untilSays(c.owner.Email)
	export := c.asked(t)

	// The mail is read on another machine, by somebody who is not signed in there.
	elsewhere := visit(t)
	elsewhere.openMail(letter(t, export, c.owner.Email, "/confirm/"))
	page := elsewhere.followMail("/confirm/")
	page.follow(`a.button[href*="/sign-in"]`)
	page.signInAs(c)
	page.untilSays(c.Name)
	owner.record()
	goOn := hold(t)
	page.follow("#confirm")
	page.untilSays("confirmed")

	// The first page follows by itself.
	goOn()
	goOn = holdHalfWay(t, c)
	owner.until("the bar is on its way", `(p => p > 0 && p < 1)(document.querySelector('#overall')?.position)`)
	goOn()
	owner.untilStatus("completed")
	owner.requireProgress()
	require.Equal(t, dataExport, owner.path())

	// What the button brings is what was announced.
	announced := owner.text("#sha256")
	require.Equal(t, announced, owner.download("#download"))
	owner.until("the download is counted", `document.querySelector('#downloads').innerText.trim() === '1'`)
	require.Contains(t, letter(t, export, c.owner.Email, "/download/").Text, announced)

	// So is what the mail's link brings.
	elsewhere.openMail(letter(t, export, c.owner.Email, "/download/"))
	require.Equal(t, announced, elsewhere.downloadFromMail("/download/"))

	// Deleted, it is gone for everybody.
	owner.click("#delete")
	owner.follow("#delete-confirm")
	owner.untilStatus("expired")
	owner.untilThere("#cooldown")
	require.False(t, owner.there("#ask"), "the cooldown stays")
	require.False(t, owner.there("#download"))
	owner.untilThere(`#export[data-export="` + export + `"][data-reason=deleted]`)
	elsewhere.refused(link(t, letter(t, export, c.owner.Email, "/download/"), "/download/"), 410)
}

// signInAs chooses the company's owner on the sign-in page.
func (b *tab) signInAs(c company) {
	b.t.Helper()
	b.follow(fmt.Sprintf(`a[href*="user=%s"]`, c.owner.ID))
}

// recorder keeps what the page shows of an export whenever it changes.
const recorder = `(() => {
	window.shown = []
	const look = () => {
		const e = document.querySelector('#export'), overall = document.querySelector('#overall')
		const s = {status: e?.dataset.status, overall: overall?.position ?? -1, categories: {}}
		for (const c of e?.querySelectorAll('.category') ?? [])
			s.categories[c.dataset.category] = {records: +c.dataset.records, bytes: +c.dataset.bytes, bar: c.querySelector('progress')?.position ?? 1}
		window.shown.push(s)
	}
	look()
	new MutationObserver(look).observe(document.body, {subtree: true, childList: true, attributes: true})
})()`

type shown struct {
	Status     string
	Overall    float64 // of its bar, from 0 to 1; -1 where there is none
	Categories map[string]struct {
		Records, Bytes int64
		Bar            float64
	}
}

// record begins to keep all that the page shows.
func (b *tab) record() { b.t.Helper(); b.do("record", chromedp.Evaluate[chromedp.Void](recorder)) }

// requireProgress holds that all that was shown moved, and only ever forward.
func (b *tab) requireProgress() {
	b.t.Helper()
	order := map[string]int{"pending": 0, "confirmed": 1, "processing": 2, "completed": 3}
	var last shown
	moved := false
	for i, now := range ask[[]shown](b, "window.shown") {
		if i > 0 {
			require.GreaterOrEqual(b.t, order[now.Status], order[last.Status], "%s after %s", now.Status, last.Status)
		}
		for name, category := range now.Categories {
			before := last.Categories[name]
			require.GreaterOrEqual(b.t, category.Records, before.Records, name)
			require.GreaterOrEqual(b.t, category.Bytes, before.Bytes, name)
			require.GreaterOrEqual(b.t, category.Bar, before.Bar, "the bar of %s", name)
		}
		if now.Overall >= 0 {
			require.GreaterOrEqual(b.t, now.Overall, last.Overall, "the bar of all")
			moved = moved || now.Overall > 0 && now.Overall < 1
		} else {
			now.Overall = last.Overall
		}
		last = now
	}
	require.Equal(b.t, "completed", last.Status)
	require.Len(b.t, last.Categories, len(schema.Categories))
	require.True(b.t, moved, "the bar was seen on its way")
}

// download clicks what leads to a file and returns the SHA-256 of what arrives.
func (b *tab) download(selector string) string {
	b.t.Helper()
	return b.arrives(func() { b.click(selector) })
}

// downloadFromMail is download for the link to the path in the open mail.
func (b *tab) downloadFromMail(path string) string {
	b.t.Helper()
	return b.arrives(func() { b.clickInMail(path) })
}

func (b *tab) arrives(click func()) string {
	b.t.Helper()
	dir := b.t.TempDir()
	_, err := chromedp.CallBrowser(b.ctx, cdpbrowser.SetDownloadBehavior, cdpbrowser.SetDownloadBehaviorParams{
		Behavior: cdpbrowser.SetDownloadBehaviorBehaviorAllowAndName, DownloadPath: dir,
		BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID, EventsEnabled: ptr(true),
	})
	require.NoError(b.t, err)
	ctx, cancel := within(b.ctx)
	defer cancel()
	progress := chromedp.BrowserEvents(ctx, cdpbrowser.DownloadProgress)
	click()
	for p, err := range progress {
		require.NoError(b.t, err, "nothing arrived")
		require.NotEqual(b.t, cdpbrowser.DownloadProgressStateCanceled, p.State)
		if p.State == cdpbrowser.DownloadProgressStateCompleted {
			return sum(b.t, filepath.Join(dir, p.GUID))
		}
	}
	require.FailNow(b.t, "nothing arrived")
	return ""
}

func sum(t *testing.T, file string) string {
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	require.NoError(t, err)
	return hex.EncodeToString(h.Sum(nil))
}

func ptr[T any](v T) *T { return &v }
