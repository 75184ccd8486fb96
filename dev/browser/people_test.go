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
	c := newCompany(t, nil)
	first := signIn(t, c.owner)
	first.navigate(dataExport)
	second := first.another()
	second.navigate(dataExport)
	first.untilThere("#ask")
	second.untilThere("#ask")

	first.follow("#ask")
	first.untilStatus("pending")
	export := c.asked(t)
	second.watch.expect(http.StatusConflict)
	second.follow("#ask") // it knows nothing of it yet
	second.untilThere("[role=alert]")
	second.untilStatus("pending")

	second.follow("#cancel")
	second.untilStatus("cancelled")
	first.untilStatus("cancelled") // by itself
	require.Equal(t, export, ask[string](first, `document.querySelector('#export').dataset.export`))
	var exports int
	require.NoError(t, stage.db.QueryRowContext(t.Context(), `select count(*) from satchel.exports where account_sid = $1`, c.AccountSID).Scan(&exports))
	require.Equal(t, 1, exports)
}

func TestTheBackButtonDoesNothingTwice(t *testing.T) {
	c := newCompany(t, nil)
	b := signIn(t, c.owner)
	b.navigate(dataExport)
	b.follow("#ask")
	b.untilStatus("pending")
	export := c.asked(t)
	b.back()
	b.untilStatus("pending") // and not the page as it was

	b.navigate(link(t, letter(t, export, c.owner.Email, "/confirm/"), "/confirm/"))
	b.follow("#confirm")
	c.await(t, export, schema.Completed)
	b.back()
	b.untilSays("already confirmed")
	require.False(t, b.there("#confirm"))

	b.navigate(dataExport)
	b.click("#delete")
	b.follow("#delete-confirm")
	b.untilStatus("expired")
	b.back()
	b.untilStatus("expired")
	require.False(t, b.there("#download"))
}

func TestAReloadInTheMiddleLosesNothing(t *testing.T) {
	c := newCompany(t, map[schema.Category]int64{"calls": 40_000})
	b := signIn(t, c.owner)
	id := c.export(t, schema.Windows{})
	b.navigate(dataExport)
	b.untilStatus("pending")
	c.confirm(t, id)
	goOn := holdHalfWay(t, c)
	b.until("something was read", read+" > 0")
	before := ask[int64](b, read)
	b.reload()
	b.until("as much was read", fmt.Sprintf("%s >= %d", read, before))
	goOn()
	b.untilStatus("completed")
}

// read is how many records the page says were read.
const read = `[...document.querySelectorAll('.category')].reduce((n, c) => n + +c.dataset.records, 0)`

func TestALostSessionIsSaidAndNothingIsLostByIt(t *testing.T) {
	c := newCompany(t, nil)
	b := signIn(t, c.owner)
	b.navigate(dataExport)
	b.follow("#ask")
	b.untilStatus("pending")
	c.asked(t)
	b.watch.expect(http.StatusUnauthorized)
	// htmx tells the console of every stream that breaks off and every answer that refuses.
	b.watch.excuse("[object Event]", "Response Status Error Code 401")
	elsewhere := b.another()
	elsewhere.navigate(dataExport)
	elsewhere.follow(`form[action="/sign-out"] button`)
	b.until("it is said", `document.querySelector('#signed-out') && !document.querySelector('#signed-out').hidden`)
	b.follow("#signed-out a")
	b.signInAs(c)
	b.untilStatus("pending")
	require.Equal(t, dataExport, b.path())

	b.do("lose the session", call(network.ClearBrowserCookies, cdp.Empty{}))
	b.follow("#cancel") // before anything could be said
	b.signInAs(c)
	b.untilStatus("pending") // a form is not sent by itself
	b.follow("#cancel")
	b.untilStatus("cancelled")
}

func TestALostConnectionIsSaidAndFoundAgainByItself(t *testing.T) {
	c := newCompany(t, nil)
	export := c.export(t, schema.Windows{})
	b := signIn(t, c.owner)
	b.navigate(dataExport)
	b.untilStatus("pending")
	require.True(t, b.there("#offline[hidden]"))
	b.connected(false)
	b.lookAgain()
	b.untilThere("#offline:not([hidden])")
	c.confirm(t, export)
	c.await(t, export, schema.Completed)
	b.connected(true)
	b.untilStatus("completed")
	b.untilThere("#offline[hidden]")
}

func TestWhoeverMayNoLongerLookIsToldWhoMay(t *testing.T) {
	c := newCompany(t, nil)
	b := signIn(t, c.admin)
	b.navigate(dataExport)
	b.follow("#ask")
	b.untilStatus("pending")
	b.watch.expect(http.StatusForbidden)
	b.watch.excuse("[object Event]", "Response Status Error Code 403")
	_, err := stage.db.ExecContext(t.Context(), `update platform.users set role = 'member' where sid = $1`, c.admin.ID)
	require.NoError(t, err)
	b.untilSays("ask an owner or admin")
	require.False(t, b.there("#export"))
}

func TestALinkOfAnotherAccountConfirmsNothing(t *testing.T) {
	c, other := newCompany(t, nil), newCompany(t, nil)
	export := c.export(t, schema.Windows{})
	mailed := link(t, letter(t, export, c.owner.Email, "/confirm/"), "/confirm/")
	stranger := signIn(t, other.owner)
	stranger.refused(mailed, http.StatusForbidden)
	require.False(t, stranger.there("#confirm"))
	require.NotContains(t, stranger.describe(), export)
	member := visit(t)
	member.watch.expect(http.StatusForbidden)
	member.navigate(c.member.SignInURL)
	member.refused(mailed, http.StatusForbidden)
	require.False(t, member.there("#confirm"))
	c.await(t, export, schema.Pending)
}

func TestEverythingButLiveProgressWorksWithoutJavaScript(t *testing.T) {
	c := newCompany(t, nil)
	b := visit(t)
	b.do("forbid scripts", call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	b.refused(dataExport, http.StatusUnauthorized)
	b.signInAs(c)
	b.follow("#ask")
	b.untilStatus("pending")
	export := c.asked(t)
	b.navigate(link(t, letter(t, export, c.owner.Email, "/confirm/"), "/confirm/"))
	b.follow("#confirm")
	b.untilSays("thank you")
	c.await(t, export, schema.Completed)
	b.navigate(dataExport)
	b.untilStatus("completed")
	require.Equal(t, b.text("#sha256"), b.download("#download"))
	b.click("#delete")
	b.follow("#delete-confirm")
	c.await(t, export, schema.Expired)
	b.reload()
	b.untilStatus("expired")
}

func TestEverythingWorksByKeyboardAlone(t *testing.T) {
	c := newCompany(t, nil)
	b := signIn(t, c.owner)
	b.navigate(dataExport)
	b.leave(func() { b.press("#ask") })
	b.untilStatus("pending")
	export := c.asked(t)
	b.navigate(link(t, letter(t, export, c.owner.Email, "/confirm/"), "/confirm/"))
	b.leave(func() { b.press("#confirm") })
	b.untilSays("thank you")
	b.leave(func() { b.press(fmt.Sprintf("a.button[href$=%q]", dataExport)) })
	b.untilStatus("completed")
	require.Equal(t, b.text("#sha256"), b.arrives(func() { b.press("#download") }))
	b.press("#delete")
	b.leave(func() { b.press("#delete-confirm") })
	b.untilStatus("expired")
}

// press goes to an element with the Tab key, as everybody can see, and presses
// Enter.
func (b *tab) press(selector string) {
	b.t.Helper()
	b.untilThere(selector)
	focused := fmt.Sprintf("document.activeElement?.matches(%q)", selector)
	for range 100 {
		b.do("press Tab", chromedp.KeyEvent(kb.Tab))
		if !ask[bool](b, focused+" === true") {
			continue
		}
		require.True(b.t, ask[bool](b, `(s => s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2)(getComputedStyle(document.activeElement))`),
			"nobody sees that %s has the focus", selector)
		b.do("press Enter", chromedp.KeyEvent(kb.Enter))
		return
	}
	require.FailNow(b.t, "the Tab key does not lead to "+selector)
}

func TestTimesAreToldInTheReadersZone(t *testing.T) {
	c := newCompany(t, nil)
	c.export(t, schema.Windows{})
	b := signIn(t, c.owner)
	b.do("be in Tokyo", call(emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Tokyo"}))
	b.navigate(dataExport)
	b.untilStatus("pending")
	b.until("a time of Tokyo", `[...document.querySelectorAll('#export time[data-local]')].some(time => {
		const there = new Intl.DateTimeFormat('en-GB', {hour: '2-digit', minute: '2-digit', timeZone: 'Asia/Tokyo'}).format(new Date(time.dateTime))
		return time.textContent.includes(there) && !time.textContent.includes('UTC')
	})`)
}

func TestTheHashIsCopiedWithOnePress(t *testing.T) {
	c := newCompany(t, nil)
	export := c.export(t, schema.Windows{})
	c.confirm(t, export)
	c.await(t, export, schema.Completed)
	b := signIn(t, c.owner)
	for _, clipboard := range []string{"clipboard-write", "clipboard-read"} {
		_, err := chromedp.CallBrowser(b.ctx, cdpbrowser.SetPermission, cdpbrowser.SetPermissionParams{
			Permission: &cdpbrowser.PermissionDescriptor{Name: clipboard, AllowWithoutSanitization: clipboard == "clipboard-read"},
			Setting:    cdpbrowser.PermissionSettingGranted, BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID,
		})
		require.NoError(t, err)
	}
	b.navigate(dataExport)
	b.click("#copy-sha256")
	b.until("it is said", `document.querySelector('#copy-sha256').innerText === 'Copied'`)
	require.Equal(t, b.text("#sha256"), ask[string](b, "await navigator.clipboard.readText()"))
}

func TestOperatorsAreLedToTheRunInTemporal(t *testing.T) {
	c := newCompany(t, nil)
	c.export(t, schema.Windows{})
	b := signIn(t, c.owner)
	b.navigate(dataExport)
	b.untilThere(".operators a")
	run := ask[string](b, `document.querySelector('.operators a').href`)
	require.Equal(t, stack(t).Demo.TemporalUIURL+"/namespaces/default/workflows/"+url.PathEscape(workflows.AccountExportID(c.AccountSID)), run)
	answer, err := http.Get(run)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusOK, answer.StatusCode)
}
