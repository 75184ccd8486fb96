package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func (fx *fixture) confirmLink(e schema.Export) string {
	return "/confirm/" + fx.links.Token(schema.ToConfirm, e.ID, 1)
}

func TestOpeningTheConfirmationLinkChangesNothing(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	e := fx.pendingExport(fx.owner)
	for _, v := range []*visitor{fx.anonymous(), fx.signedIn(fx.owner), fx.signedIn(fx.admin), fx.program()} {
		for range 5 {
			require.Equal(t, http.StatusOK, v.get(fx.confirmLink(e)).status)
			require.Equal(t, http.StatusOK, v.do(http.MethodHead, fx.confirmLink(e), nil).status)
		}
	}
	require.Empty(t, fx.signals())
}

func TestTheConfirmationPageDescribesTheExport(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	e := fx.pendingExport(fx.owner)

	page := fx.signedIn(fx.admin).get(fx.confirmLink(e))
	page.requirePage(t, http.StatusOK, "Analytical Engines", fx.account, "Ada", "Confirm and start the export", "VoIP providers", "Balance transactions", "24 hours")
	require.Equal(t, len(schema.Categories), strings.Count(page.body[strings.Index(page.body, `<ul class="category-notes">`):], "<li>"))
	require.Equal(t, 1, strings.Count(page.body, `<form method="post" class="actions">`))

	stranger := fx.anonymous().get(fx.confirmLink(e))
	stranger.requirePage(t, http.StatusOK, "Sign in", "Balance transactions")
	require.NotContains(t, stranger.body, "Analytical Engines", "a link alone tells no names")
	require.NotContains(t, stranger.body, "Ada")
	require.NotContains(t, stranger.body, `<form method="post"`)
	require.Contains(t, stranger.body, "/sign-in?return="+url.QueryEscape(fx.confirmLink(e)))
}

func TestOnlyAnOwnerOrAdminOfTheAccountWhoIsSignedInConfirms(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	e := fx.pendingExport(fx.owner)

	refused := fx.anonymous().post(fx.confirmLink(e), nil)
	refused.requirePage(t, http.StatusUnauthorized, "Sign in")
	require.Contains(t, refused.body, url.QueryEscape(fx.confirmLink(e)), "and come back")
	fx.signedIn(fx.member).post(fx.confirmLink(e), nil).requirePage(t, http.StatusForbidden, "owner or admin")
	fx.signedIn(fx.otherOwner).post(fx.confirmLink(e), nil).requirePage(t, http.StatusForbidden, "another account")
	fx.program().post(fx.confirmLink(e), nil).requirePage(t, http.StatusForbidden, "person")
	fx.exec(`update platform.accounts set suspended = true where sid = $1`, fx.account)
	fx.signedIn(fx.owner).post(fx.confirmLink(e), nil).requirePage(t, http.StatusForbidden, "suspended")
	fx.exec(`update platform.accounts set suspended = false where sid = $1`, fx.account)
	require.Empty(t, fx.signals())

	done := fx.signedIn(fx.admin).post(fx.confirmLink(e), nil)
	require.Equal(t, http.StatusSeeOther, done.status)
	require.Equal(t, []string{fmt.Sprintf(`confirmed {"export":%q,"by":%q,"seen":"pending"}`, e.ID, fx.admin)}, fx.signals())
	fx.signedIn(fx.admin).get(done.header.Get("Location")).requirePage(t, http.StatusOK, "Confirmed", "The export is starting")
}

func TestForeignAndForgedLinksAreNotFound(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	e := fx.pendingExport(fx.owner)
	owner := fx.signedIn(fx.owner)
	for _, path := range []string{
		"/confirm/" + fx.links.Token(schema.ToStop, e.ID, 1),
		"/confirm/" + fx.links.Token(schema.ToDownload, e.ID, 1),
		"/stop/" + fx.links.Token(schema.ToConfirm, e.ID, 1),
		"/confirm/" + schema.NewLinks(make([]byte, 32)).Token(schema.ToConfirm, e.ID, 1),
		"/confirm/" + e.ID, "/confirm/x", "/stop/x", fx.confirmLink(e) + "x", fx.confirmLink(e)[:30],
	} {
		for _, v := range []*visitor{fx.anonymous(), owner} {
			v.get(path).requirePage(t, http.StatusNotFound, "whole of it")
			v.post(path, nil).requirePage(t, http.StatusNotFound)
		}
	}
	for _, v := range []*visitor{fx.anonymous(), owner} {
		v.get("/download/x").requirePage(t, http.StatusNotFound)
	}
	require.Empty(t, fx.signals())
}

func TestAnExportCanBeConfirmedBeforeAnyWorkerHasSeenIt(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	e := fx.startExport(fx.owner)
	fx.anonymous().get(fx.confirmLink(e)).requirePage(t, http.StatusOK, "Sign in")
	fx.signedIn(fx.owner).get(fx.confirmLink(e)).requirePage(t, http.StatusOK, "Confirm and start the export")
	require.Equal(t, http.StatusSeeOther, fx.signedIn(fx.owner).post(fx.confirmLink(e), nil).status)
	require.Len(t, fx.signals(), 1)
}

func TestConfirmingTwiceIsHarmless(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	e := fx.pendingExport(fx.owner)
	owner := fx.signedIn(fx.owner)
	for range 2 { // the run has not got round to it
		require.Equal(t, http.StatusSeeOther, owner.post(fx.confirmLink(e), nil).status)
	}
	require.NoError(t, fx.deps.store.AccountExports().ConfirmExport(t.Context(), e.ID, fx.owner, "age1", []byte("wrapped")))
	again := owner.post(fx.confirmLink(e), nil)
	require.Equal(t, http.StatusSeeOther, again.status)
	owner.get(again.header.Get("Location")).requirePage(t, http.StatusOK, "Already confirmed")
	require.Len(t, fx.signals(), 2)
	fx.updateExport(e, isCompleted)
	owner.get(fx.confirmLink(e)).requirePage(t, http.StatusOK, "The file is ready", `id="download" href="`+settings+"/"+e.ID+`/file"`)
	fx.updateExport(e, `expires_at = now() - interval '1 second'`)
	owner.get(fx.confirmLink(e)).requirePage(t, http.StatusGone, "no file to download")
	owner.get("/stop/"+fx.links.Token(schema.ToStop, e.ID, 1)).requirePage(t, http.StatusGone, "no file to download")
}

func TestALinkOpenedTooLateSaysSo(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	e := fx.pendingExport(fx.owner)
	owner := fx.signedIn(fx.owner)

	// The database's clock decides, also while the run still waits.
	fx.exec(`update satchel.exports set confirm_by = now() - interval '1 second' where id = $1`, e.ID)
	for _, a := range []response{owner.get(fx.confirmLink(e)), fx.anonymous().get(fx.confirmLink(e)), owner.post(fx.confirmLink(e), nil)} {
		a.requirePage(t, http.StatusGone, "new one")
	}
	for status, words := range map[string]string{
		"status = 'expired', reason = 'unconfirmed'":   "lapsed",
		"status = 'cancelled', reason = 'cancelled'":   "stopped",
		"status = 'failed', reason = 'It failed.'":     "over",
		"status = 'expired', reason = 'window_passed'": "over",
	} {
		fx.exec(`update satchel.exports set ended_at = now(), ` + status)
		owner.get(fx.confirmLink(e)).requirePage(t, http.StatusGone, words)
		owner.post(fx.confirmLink(e), nil).requirePage(t, http.StatusGone)
	}
	require.Empty(t, fx.signals())
}

func TestProgramsConfirmInJSON(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	e := fx.pendingExport(fx.owner)
	refused := fx.anonymous().do(http.MethodPost, fx.confirmLink(e), nil, "Accept", "application/json")
	require.Equal(t, http.StatusUnauthorized, refused.status)
	require.Equal(t, "application/problem+json", refused.header.Get("Content-Type"))
	done := fx.signedIn(fx.owner).do(http.MethodPost, fx.confirmLink(e), nil, "Accept", "application/json")
	require.Equal(t, http.StatusAccepted, done.status)
	require.Contains(t, done.body, `"id":"`+e.ID+`"`)
	require.Len(t, fx.signals(), 1)
}

func TestTheLinkOfANoticeStopsTheExportThatIsUnderWay(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	first := schema.Export{ID: schema.NewExportID(), Account: fx.account, RequestedBy: fx.owner, RequestedAt: time.Now().Add(-time.Minute), ConfirmBy: time.Now().Add(time.Hour)}
	fx.insertExport(first)
	fx.exec(`update satchel.exports set status = 'cancelled', reason = 'cancelled', ended_at = now()`)
	second := fx.pendingExport(fx.owner) // of which nobody else is notified
	link := "/stop/" + fx.links.Token(schema.ToStop, first.ID, 1)
	fx.anonymous().get(link).requirePage(t, http.StatusOK, "Sign in to continue")
	fx.signedIn(fx.admin).get(link).requirePage(t, http.StatusOK, "Stop this export")
	fx.signedIn(fx.otherOwner).post(link, nil).requirePage(t, http.StatusForbidden)
	require.Equal(t, http.StatusSeeOther, fx.signedIn(fx.admin).post(link, nil).status)
	require.Equal(t, []string{fmt.Sprintf(`cancelled {"export":%q,"by":%q,"seen":"pending"}`, second.ID, fx.admin)}, fx.signals())
}

func TestARefusedResumeAddsNothingToAFile(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	e := fx.pendingExport(fx.owner)
	mailed := "/download/" + fx.links.Token(schema.ToDownload, e.ID, 1)
	button := settings + "/" + e.ID + "/file"
	for _, path := range []string{mailed, mailed + "?signed-in", button, button + "?signed-in"} {
		for status, by := range map[int]*visitor{
			http.StatusUnauthorized: fx.anonymous(), http.StatusForbidden: fx.signedIn(fx.member), http.StatusConflict: fx.signedIn(fx.owner),
		} {
			a := by.get(path, "Range", "bytes=1000-", "If-Range", `"x"`)
			require.Equal(t, status, a.status, path)
			require.Empty(t, a.body)
		}
	}
	fx.anonymous().get(mailed).requirePage(t, http.StatusUnauthorized, "sign in")
}

func TestTheOtherOwnersAndAdminsCanStopAnExport(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	e := fx.pendingExport(fx.owner)
	link := "/stop/" + fx.links.Token(schema.ToStop, e.ID, 1)

	fx.anonymous().get(link).requirePage(t, http.StatusOK, "Sign in to continue")
	fx.signedIn(fx.admin).get(link).requirePage(t, http.StatusOK, "Stop this export", "Ada", "Analytical Engines")
	fx.anonymous().post(link, nil).requirePage(t, http.StatusUnauthorized)
	fx.signedIn(fx.member).post(link, nil).requirePage(t, http.StatusForbidden)
	fx.signedIn(fx.otherOwner).post(link, nil).requirePage(t, http.StatusForbidden)
	fx.program().post(link, nil).requirePage(t, http.StatusForbidden)
	require.Empty(t, fx.signals())

	done := fx.signedIn(fx.admin).post(link, nil)
	require.Equal(t, http.StatusSeeOther, done.status)
	fx.signedIn(fx.admin).get(done.header.Get("Location")).requirePage(t, http.StatusOK, "Stopped")
	require.Equal(t, []string{fmt.Sprintf(`cancelled {"export":%q,"by":%q,"seen":"pending"}`, e.ID, fx.admin)}, fx.signals())

	fx.exec(`update satchel.exports set status = 'cancelled', reason = 'cancelled', ended_at = now()`)
	fx.signedIn(fx.admin).get(link).requirePage(t, http.StatusOK, "was stopped")
	require.Equal(t, http.StatusSeeOther, fx.signedIn(fx.admin).post(link, nil).status, "stopping it again is harmless")
	fx.exec(`update satchel.exports set status = 'completed', completed_at = now(), expires_at = now() + interval '1 hour', available_again_at = now() + interval '1 hour'`)
	fx.signedIn(fx.admin).get(link).requirePage(t, http.StatusOK, "too late")
	fx.signedIn(fx.admin).post(link, nil).requirePage(t, http.StatusConflict)
	require.Len(t, fx.signals(), 1)
}
