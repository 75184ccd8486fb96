package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func (w *world) confirmLink(e schema.Export) string {
	return "/confirm/" + w.links.Token(schema.ToConfirm, e.ID, 1)
}

func TestLookingAtTheConfirmationLinkChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	e := w.asked(w.owner)
	for _, v := range []*visitor{w.nobody(), w.as(w.owner), w.as(w.admin), w.program()} {
		for range 5 {
			require.Equal(t, http.StatusOK, v.get(w.confirmLink(e)).status)
			require.Equal(t, http.StatusOK, v.do(http.MethodHead, w.confirmLink(e), nil).status)
		}
	}
	require.Empty(t, w.signals())
}

func TestTheConfirmationPageSaysWhatIsAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	e := w.asked(w.owner)

	page := w.as(w.admin).get(w.confirmLink(e))
	page.says(t, http.StatusOK, "Analytical Engines", w.account, "Ada", "Confirm and start the export", "VoIP providers", "Balance transactions", "24 hours")
	require.Equal(t, len(schema.Categories), strings.Count(page.body[strings.Index(page.body, `<ul class="contents">`):], "<li>"))
	require.Equal(t, 1, strings.Count(page.body, `<form method="post" class="actions">`))

	stranger := w.nobody().get(w.confirmLink(e))
	stranger.says(t, http.StatusOK, "Sign in", "Balance transactions")
	require.NotContains(t, stranger.body, "Analytical Engines", "a link alone tells no names")
	require.NotContains(t, stranger.body, "Ada")
	require.NotContains(t, stranger.body, `<form method="post"`)
	require.Contains(t, stranger.body, "/sign-in?return="+url.QueryEscape(w.confirmLink(e)))
}

func TestOnlyAnOwnerOrAdminOfTheAccountWhoIsSignedInConfirms(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	e := w.asked(w.owner)

	refused := w.nobody().post(w.confirmLink(e), nil)
	refused.says(t, http.StatusUnauthorized, "Sign in")
	require.Contains(t, refused.body, url.QueryEscape(w.confirmLink(e)), "and come back")
	w.as(w.member).post(w.confirmLink(e), nil).says(t, http.StatusForbidden, "owner or admin")
	w.as(w.stranger).post(w.confirmLink(e), nil).says(t, http.StatusForbidden, "another account")
	w.program().post(w.confirmLink(e), nil).says(t, http.StatusForbidden, "person")
	w.exec(`update platform.accounts set suspended = true where sid = $1`, w.account)
	w.as(w.owner).post(w.confirmLink(e), nil).says(t, http.StatusForbidden, "suspended")
	w.exec(`update platform.accounts set suspended = false where sid = $1`, w.account)
	require.Empty(t, w.signals())

	done := w.as(w.admin).post(w.confirmLink(e), nil)
	require.Equal(t, http.StatusSeeOther, done.status)
	require.Equal(t, []string{fmt.Sprintf(`confirmed {"export":%q,"by":%q,"seen":"pending"}`, e.ID, w.admin)}, w.signals())
	w.as(w.admin).get(done.header.Get("Location")).says(t, http.StatusOK, "Confirmed", "is being started")
}

func TestForeignAndMadeUpLinksLeadNowhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	e := w.asked(w.owner)
	owner := w.as(w.owner)
	for _, path := range []string{
		"/confirm/" + w.links.Token(schema.ToStop, e.ID, 1),
		"/confirm/" + w.links.Token(schema.ToDownload, e.ID, 1),
		"/stop/" + w.links.Token(schema.ToConfirm, e.ID, 1),
		"/confirm/" + schema.NewLinks(make([]byte, 32)).Token(schema.ToConfirm, e.ID, 1),
		"/confirm/" + e.ID, "/confirm/x", "/stop/x", w.confirmLink(e) + "x", w.confirmLink(e)[:30],
	} {
		for _, v := range []*visitor{w.nobody(), owner} {
			v.get(path).says(t, http.StatusNotFound, "whole of it")
			v.post(path, nil).says(t, http.StatusNotFound)
		}
	}
	for _, v := range []*visitor{w.nobody(), owner} {
		v.get("/download/x").says(t, http.StatusNotFound)
	}
	require.Empty(t, w.signals())
}

func TestAnExportCanBeConfirmedBeforeAnyWorkerHasSeenIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	e := w.started(w.owner)
	w.nobody().get(w.confirmLink(e)).says(t, http.StatusOK, "Sign in")
	w.as(w.owner).get(w.confirmLink(e)).says(t, http.StatusOK, "Confirm and start the export")
	require.Equal(t, http.StatusSeeOther, w.as(w.owner).post(w.confirmLink(e), nil).status)
	require.Len(t, w.signals(), 1)
}

func TestConfirmingTwiceIsHarmless(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	e := w.asked(w.owner)
	owner := w.as(w.owner)
	for range 2 { // the run has not got round to it
		require.Equal(t, http.StatusSeeOther, owner.post(w.confirmLink(e), nil).status)
	}
	require.NoError(t, w.parts.store.AccountExports().ConfirmExport(t.Context(), e.ID, w.owner, "age1", []byte("wrapped")))
	again := owner.post(w.confirmLink(e), nil)
	require.Equal(t, http.StatusSeeOther, again.status)
	owner.get(again.header.Get("Location")).says(t, http.StatusOK, "Already confirmed")
	require.Len(t, w.signals(), 2)
	w.moved(e, isCompleted)
	owner.get(w.confirmLink(e)).says(t, http.StatusOK, "The file is ready", `id="download" href="`+settings+"/"+e.ID+`/file"`)
	w.moved(e, `expires_at = now() - interval '1 second'`)
	owner.get(w.confirmLink(e)).says(t, http.StatusGone, "no file to download")
	owner.get("/stop/"+w.links.Token(schema.ToStop, e.ID, 1)).says(t, http.StatusGone, "no file to download")
}

func TestALinkThatCameTooLateSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	e := w.asked(w.owner)
	owner := w.as(w.owner)

	// The database's clock decides, also while the run still waits.
	w.exec(`update satchel.exports set confirm_by = now() - interval '1 second' where id = $1`, e.ID)
	for _, a := range []answer{owner.get(w.confirmLink(e)), w.nobody().get(w.confirmLink(e)), owner.post(w.confirmLink(e), nil)} {
		a.says(t, http.StatusGone, "new one")
	}
	for status, words := range map[string]string{
		"status = 'expired', reason = 'unconfirmed'":   "lapsed",
		"status = 'cancelled', reason = 'cancelled'":   "stopped",
		"status = 'failed', reason = 'It failed.'":     "over",
		"status = 'expired', reason = 'window_passed'": "over",
	} {
		w.exec(`update satchel.exports set ended_at = now(), ` + status)
		owner.get(w.confirmLink(e)).says(t, http.StatusGone, words)
		owner.post(w.confirmLink(e), nil).says(t, http.StatusGone)
	}
	require.Empty(t, w.signals())
}

func TestProgramsConfirmInJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	e := w.asked(w.owner)
	refused := w.nobody().do(http.MethodPost, w.confirmLink(e), nil, "Accept", "application/json")
	require.Equal(t, http.StatusUnauthorized, refused.status)
	require.Equal(t, "application/problem+json", refused.header.Get("Content-Type"))
	done := w.as(w.owner).do(http.MethodPost, w.confirmLink(e), nil, "Accept", "application/json")
	require.Equal(t, http.StatusAccepted, done.status)
	require.Contains(t, done.body, `"id":"`+e.ID+`"`)
	require.Len(t, w.signals(), 1)
}

func TestTheOtherOwnersAndAdminsCanStopAnExport(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	e := w.asked(w.owner)
	link := "/stop/" + w.links.Token(schema.ToStop, e.ID, 1)

	w.nobody().get(link).says(t, http.StatusOK, "Sign in to go on")
	w.as(w.admin).get(link).says(t, http.StatusOK, "Stop this export", "Ada", "Analytical Engines")
	w.nobody().post(link, nil).says(t, http.StatusUnauthorized)
	w.as(w.member).post(link, nil).says(t, http.StatusForbidden)
	w.as(w.stranger).post(link, nil).says(t, http.StatusForbidden)
	w.program().post(link, nil).says(t, http.StatusForbidden)
	require.Empty(t, w.signals())

	done := w.as(w.admin).post(link, nil)
	require.Equal(t, http.StatusSeeOther, done.status)
	w.as(w.admin).get(done.header.Get("Location")).says(t, http.StatusOK, "Stopped")
	require.Equal(t, []string{fmt.Sprintf(`cancelled {"export":%q,"by":%q,"seen":"pending"}`, e.ID, w.admin)}, w.signals())

	w.exec(`update satchel.exports set status = 'cancelled', reason = 'cancelled', ended_at = now()`)
	w.as(w.admin).get(link).says(t, http.StatusOK, "was stopped")
	require.Equal(t, http.StatusSeeOther, w.as(w.admin).post(link, nil).status, "stopping it again is harmless")
	w.exec(`update satchel.exports set status = 'completed', completed_at = now(), expires_at = now() + interval '1 hour', available_again_at = now() + interval '1 hour'`)
	w.as(w.admin).get(link).says(t, http.StatusOK, "too late")
	w.as(w.admin).post(link, nil).says(t, http.StatusConflict)
	require.Len(t, w.signals(), 1)
}
