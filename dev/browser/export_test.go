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

func TestAnExportByMouseFromRequestToRemoval(t *testing.T) {
	c := newAccount(t, map[schema.Category]int64{"calls": 40_000, "contacts": 3_000, "charges": 2_000})

	// A visitor is asked to sign in, and returns to the page afterwards.
	owner := newTab(t)
	owner.navigateExpecting(dataExport, 401)
	owner.signInAs(c)
	owner.waitForStatus("none")
	for _, category := range schema.Categories {
		owner.waitForText(category.Title())
	}
	owner.clickLink("#ask")
	owner.waitForStatus("pending")
	owner.waitForText(c.Owner.Email)
	export := c.awaitRequested(t)

	// The mail is read in another profile, without a session.
	reader := newTab(t)
	reader.openMail(awaitMail(t, export, c.Owner.Email, "/confirm/"))
	page := reader.followMail("/confirm/")
	page.clickLink(`a.button[href*="/sign-in"]`)
	page.signInAs(c)
	page.waitForText(c.Name)
	owner.record()
	resume := pauseWorker(t)
	page.clickLink("#confirm")
	page.waitForText("confirmed")

	// The first page updates without a reload.
	resume()
	resume = pauseHalfWay(t, c)
	owner.waitUntil("the progress bar is between its ends", `(p => p > 0 && p < 1)(document.querySelector('#overall')?.position)`)
	resume()
	owner.waitForStatus("completed")
	owner.requireProgress()
	require.Equal(t, dataExport, owner.path())

	// The button downloads the file with the announced hash.
	announced := owner.text("#sha256")
	require.Equal(t, announced, sum(t, owner.download("#download")))
	owner.waitUntil("the download is counted", `document.querySelector('#downloads').innerText.trim() === '1'`)
	require.Contains(t, awaitMail(t, export, c.Owner.Email, "/download/").Text, announced)

	// So does the link in the mail.
	reader.openMail(awaitMail(t, export, c.Owner.Email, "/download/"))
	require.Equal(t, announced, sum(t, reader.awaitDownload(func() { reader.clickInMail("/download/") })))

	// After the deletion no link works.
	owner.click("#delete")
	owner.clickLink("#delete-confirm")
	owner.waitForStatus("expired")
	owner.waitFor("#cooldown")
	require.False(t, owner.exists("#ask"), "the cooldown continues")
	require.False(t, owner.exists("#download"))
	owner.waitFor(`#export[data-export="` + export + `"][data-reason=deleted]`)
	reader.navigateExpecting(linkIn(t, awaitMail(t, export, c.Owner.Email, "/download/"), "/download/"), 410)
}

// signInAs chooses the owner on the sign-in page.
func (b *tab) signInAs(c account) {
	b.t.Helper()
	b.clickLink(fmt.Sprintf(`a[href*="user=%s"]`, c.Owner.ID))
}

// recorder records the state of the export that the page shows, at each change.
const recorder = `(() => {
	window.recorded = []
	const record = () => {
		const e = document.querySelector('#export'), overall = document.querySelector('#overall')
		const s = {status: e?.dataset.status, overall: overall?.position ?? -1, categories: {}}
		for (const c of e?.querySelectorAll('.category') ?? [])
			s.categories[c.dataset.category] = {records: +c.dataset.records, bytes: +c.dataset.bytes, bar: c.querySelector('progress')?.position ?? 1}
		window.recorded.push(s)
	}
	record()
	new MutationObserver(record).observe(document.body, {subtree: true, childList: true, attributes: true})
})()`

type pageState struct {
	Status     string
	Overall    float64 // of its bar, from 0 to 1; -1 if there is none
	Categories map[string]struct {
		Records, Bytes int64
		Bar            float64
	}
}

// record starts the recorder.
func (b *tab) record() { b.t.Helper(); b.do("record", chromedp.Evaluate[chromedp.Void](recorder)) }

// requireProgress fails the test unless the recorded progress increased and never
// decreased.
func (b *tab) requireProgress() {
	b.t.Helper()
	order := map[string]int{"pending": 0, "confirmed": 1, "processing": 2, "completed": 3}
	var last pageState
	moved := false
	for i, now := range mustEval[[]pageState](b, "window.recorded") {
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
			require.GreaterOrEqual(b.t, now.Overall, last.Overall, "the progress bar of the export")
			moved = moved || now.Overall > 0 && now.Overall < 1
		} else {
			now.Overall = last.Overall
		}
		last = now
	}
	require.Equal(b.t, "completed", last.Status)
	require.Len(b.t, last.Categories, len(schema.Categories))
	require.True(b.t, moved, "the progress bar was seen between its ends")
}

// download clicks a link and returns the path of the downloaded file.
func (b *tab) download(selector string) string {
	b.t.Helper()
	return b.awaitDownload(func() { b.click(selector) })
}

// awaitDownload calls start, waits for the download and returns the path of the file.
func (b *tab) awaitDownload(start func()) string {
	b.t.Helper()
	dir := b.t.TempDir()
	_, err := chromedp.CallBrowser(b.ctx, cdpbrowser.SetDownloadBehavior, cdpbrowser.SetDownloadBehaviorParams{
		Behavior: cdpbrowser.SetDownloadBehaviorBehaviorAllowAndName, DownloadPath: dir,
		BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID, EventsEnabled: ptr(true),
	})
	require.NoError(b.t, err)
	ctx, cancel := withTimeout(b.ctx)
	defer cancel()
	progress := chromedp.BrowserEvents(ctx, cdpbrowser.DownloadProgress)
	start()
	for p, err := range progress {
		require.NoError(b.t, err, "no download finished")
		require.NotEqual(b.t, cdpbrowser.DownloadProgressStateCanceled, p.State)
		if p.State == cdpbrowser.DownloadProgressStateCompleted {
			return filepath.Join(dir, p.GUID)
		}
	}
	require.FailNow(b.t, "no download finished")
	return ""
}

// sum returns the SHA-256 of a file.
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
