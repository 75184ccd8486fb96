package browser

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/workflows"
)

func TestTwoTabsShowTheSameExport(t *testing.T) {
	c := newAccount(t, nil)
	first := signedInTab(t, c.Owner)
	first.navigate(dataExport)
	second := first.newTab()
	second.navigate(dataExport)
	first.waitFor("#ask")
	second.waitFor("#ask")

	first.clickLink("#ask")
	first.waitForStatus("pending")
	export := c.awaitRequested(t)
	second.problems.allowStatus(http.StatusConflict)
	second.clickLink("#ask") // this tab does not show the export yet
	second.waitFor("[role=alert]")
	second.waitForStatus("pending")

	second.clickLink("#cancel")
	second.waitForStatus("cancelled")
	first.waitForStatus("cancelled") // without a reload
	require.Equal(t, export, mustEval[string](first, `document.querySelector('#export').dataset.export`))
	var exports int
	require.NoError(t, shared.Stack(t).DB.QueryRowContext(t.Context(), `select count(*) from satchel.exports where account_sid = $1`, c.AccountSID).Scan(&exports))
	require.Equal(t, 1, exports)
}

func TestTheBackButtonShowsTheCurrentState(t *testing.T) {
	c := newAccount(t, nil)
	b := signedInTab(t, c.Owner)
	b.navigate(dataExport)
	b.clickLink("#ask")
	b.waitForStatus("pending")
	export := c.awaitRequested(t)
	b.back()
	b.waitForStatus("pending") // and not a cached page

	b.navigate(linkIn(t, awaitMail(t, export, c.Owner.Email, "/confirm/"), "/confirm/"))
	b.clickLink("#confirm")
	c.await(t, export, schema.Completed)
	b.back()
	b.waitForText("already confirmed")
	require.False(t, b.exists("#confirm"))

	b.navigate(dataExport)
	b.click("#delete")
	b.clickLink("#delete-confirm")
	b.waitForStatus("expired")
	b.back()
	b.waitForStatus("expired")
	require.False(t, b.exists("#download"))
}

func TestAReloadDuringProcessingKeepsTheProgress(t *testing.T) {
	c := newAccount(t, map[schema.Category]int64{"calls": 40_000})
	b := signedInTab(t, c.Owner)
	id := c.export(t, schema.Windows{})
	b.navigate(dataExport)
	b.waitForStatus("pending")
	c.confirm(t, id)
	resume := pauseHalfWay(t, c)
	b.waitUntil("records were read", read+" > 0")
	before := mustEval[int64](b, read)
	b.reload()
	b.waitUntil("the progress is as before", fmt.Sprintf("%s >= %d", read, before))
	resume()
	b.waitForStatus("completed")
}

// read is an expression for the number of records that the page shows as read.
const read = `[...document.querySelectorAll('.category')].reduce((n, c) => n + +c.dataset.records, 0)`

func TestALostSessionIsShownAndThePageReturnsAfterSignIn(t *testing.T) {
	c := newAccount(t, nil)
	b := signedInTab(t, c.Owner)
	b.navigate(dataExport)
	b.clickLink("#ask")
	b.waitForStatus("pending")
	c.awaitRequested(t)
	b.problems.allowStatus(http.StatusUnauthorized)
	// htmx logs interrupted streams and error responses to the console.
	b.problems.allowText("[object Event]", "Response Status Error Code 401")
	second := b.newTab()
	second.navigate(dataExport)
	second.clickLink(`form[action="/sign-out"] button`)
	b.waitUntil("the message is shown", `document.querySelector('#signed-out') && !document.querySelector('#signed-out').hidden`)
	b.clickLink("#signed-out a")
	b.signInAs(c)
	b.waitForStatus("pending")
	require.Equal(t, dataExport, b.path())

	b.do("lose the session", call(network.ClearBrowserCookies, cdp.Empty{}))
	b.clickLink("#cancel") // before the page can notice
	b.signInAs(c)
	b.waitForStatus("pending") // the form is not sent again
	b.clickLink("#cancel")
	b.waitForStatus("cancelled")
}

func TestALostConnectionIsShownAndRestored(t *testing.T) {
	c := newAccount(t, nil)
	export := c.export(t, schema.Windows{})
	b := signedInTab(t, c.Owner)
	b.navigate(dataExport)
	b.waitForStatus("pending")
	require.True(t, b.exists("#offline[hidden]"))
	b.setOnline(false)
	b.refocus()
	b.waitFor("#offline:not([hidden])")
	c.confirm(t, export)
	c.await(t, export, schema.Completed)
	b.setOnline(true)
	b.waitForStatus("completed")
	b.waitFor("#offline[hidden]")
}

func TestAUserWhoLostTheirRoleSeesWhoMayExport(t *testing.T) {
	c := newAccount(t, nil)
	b := signedInTab(t, c.Admin)
	b.navigate(dataExport)
	b.clickLink("#ask")
	b.waitForStatus("pending")
	b.problems.allowStatus(http.StatusForbidden)
	b.problems.allowText("[object Event]", "Response Status Error Code 403")
	_, err := shared.Stack(t).DB.ExecContext(t.Context(), `update platform.users set role = 'member' where sid = $1`, c.Admin.ID)
	require.NoError(t, err)
	b.waitForText("ask an owner or admin")
	require.False(t, b.exists("#export"))
}

func TestALinkOfAnotherAccountConfirmsNothing(t *testing.T) {
	c, other := newAccount(t, nil), newAccount(t, nil)
	export := c.export(t, schema.Windows{})
	mailed := linkIn(t, awaitMail(t, export, c.Owner.Email, "/confirm/"), "/confirm/")
	unrelated := signedInTab(t, other.Owner)
	unrelated.navigateExpecting(mailed, http.StatusForbidden)
	require.False(t, unrelated.exists("#confirm"))
	require.NotContains(t, unrelated.describe(), export)
	member := newTab(t)
	member.problems.allowStatus(http.StatusForbidden)
	member.navigate(c.Member.SignInURL)
	member.navigateExpecting(mailed, http.StatusForbidden)
	require.False(t, member.exists("#confirm"))
	c.await(t, export, schema.Pending)
}

func TestEverythingButLiveProgressWorksWithoutJavaScript(t *testing.T) {
	c := newAccount(t, nil)
	b := newTab(t)
	b.do("forbid scripts", call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	b.navigateExpecting(dataExport, http.StatusUnauthorized)
	b.signInAs(c)
	b.clickLink("#ask")
	b.waitForStatus("pending")
	export := c.awaitRequested(t)
	b.navigate(linkIn(t, awaitMail(t, export, c.Owner.Email, "/confirm/"), "/confirm/"))
	b.clickLink("#confirm")
	b.waitForText("thank you")
	c.await(t, export, schema.Completed)
	b.navigate(dataExport)
	b.waitForStatus("completed")
	require.Equal(t, b.text("#sha256"), sum(t, b.download("#download")))
	b.click("#delete")
	b.clickLink("#delete-confirm")
	c.await(t, export, schema.Expired)
	b.reload()
	b.waitForStatus("expired")
}

func TestEverythingWorksByKeyboardAlone(t *testing.T) {
	c := newAccount(t, nil)
	b := signedInTab(t, c.Owner)
	b.navigate(dataExport)
	b.awaitNavigation(func() { b.pressEnterOn("#ask") })
	b.waitForStatus("pending")
	export := c.awaitRequested(t)
	b.navigate(linkIn(t, awaitMail(t, export, c.Owner.Email, "/confirm/"), "/confirm/"))
	b.awaitNavigation(func() { b.pressEnterOn("#confirm") })
	b.waitForText("thank you")
	b.awaitNavigation(func() { b.pressEnterOn(fmt.Sprintf("a.button[href$=%q]", dataExport)) })
	b.waitForStatus("completed")
	require.Equal(t, b.text("#sha256"), sum(t, b.awaitDownload(func() { b.pressEnterOn("#download") })))
	b.pressEnterOn("#delete")
	b.awaitNavigation(func() { b.pressEnterOn("#delete-confirm") })
	b.waitForStatus("expired")
}

// pressEnterOn moves the focus to an element with the Tab key, checks that the focus
// is visible, and presses Enter.
func (b *tab) pressEnterOn(selector string) {
	b.t.Helper()
	b.waitFor(selector)
	focused := fmt.Sprintf("document.activeElement?.matches(%q)", selector)
	for range 100 {
		b.do("press Tab", chromedp.KeyEvent(kb.Tab))
		if !mustEval[bool](b, focused+" === true") {
			continue
		}
		require.True(b.t, mustEval[bool](b, `(s => s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2)(getComputedStyle(document.activeElement))`),
			"the focus on %s is not visible", selector)
		b.do("press Enter", chromedp.KeyEvent(kb.Enter))
		return
	}
	require.FailNow(b.t, "the Tab key does not lead to "+selector)
}

func TestTimesAreInTheTimeZoneOfTheBrowser(t *testing.T) {
	c := newAccount(t, nil)
	c.export(t, schema.Windows{})
	b := signedInTab(t, c.Owner)
	b.do("set the time zone to Tokyo", call(emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Tokyo"}))
	b.navigate(dataExport)
	b.waitForStatus("pending")
	b.waitUntil("a time in the zone of Tokyo", `[...document.querySelectorAll('#export time[data-local]')].some(time => {
		const local = new Intl.DateTimeFormat('en-GB', {hour: '2-digit', minute: '2-digit', timeZone: 'Asia/Tokyo'}).format(new Date(time.dateTime))
		return time.textContent.includes(local) && !time.textContent.includes('UTC')
	})`)
}

func TestTheHashIsCopiedByAButton(t *testing.T) {
	c := newAccount(t, nil)
	export := c.export(t, schema.Windows{})
	c.confirm(t, export)
	c.await(t, export, schema.Completed)
	b := signedInTab(t, c.Owner)
	for _, clipboard := range []string{"clipboard-write", "clipboard-read"} {
		_, err := chromedp.CallBrowser(b.ctx, cdpbrowser.SetPermission, cdpbrowser.SetPermissionParams{
			Permission: &cdpbrowser.PermissionDescriptor{Name: clipboard, AllowWithoutSanitization: clipboard == "clipboard-read"},
			Setting:    cdpbrowser.PermissionSettingGranted, BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID,
		})
		require.NoError(t, err)
	}
	b.navigate(dataExport)
	b.click("#copy-sha256")
	b.waitUntil("the message is shown", `document.querySelector('#copy-sha256').innerText === 'Copied'`)
	require.Equal(t, b.text("#sha256"), mustEval[string](b, "await navigator.clipboard.readText()"))
}

func TestOperatorsGetALinkToTheRunInTemporal(t *testing.T) {
	c := newAccount(t, nil)
	c.export(t, schema.Windows{})
	b := signedInTab(t, c.Owner)
	b.navigate(dataExport)
	b.waitFor(".operators a")
	run := mustEval[string](b, `document.querySelector('.operators a').href`)
	require.Equal(t, shared.Stack(t).Demo.TemporalUIURL+"/namespaces/default/workflows/"+url.PathEscape(workflows.AccountExportID(c.AccountSID)), run)
	res, err := http.Get(run)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)
}
