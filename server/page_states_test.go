package main

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/store"
)

// updateExport sets columns of an export's row as its run would.
func (fx *fixture) updateExport(e schema.Export, columns string) {
	fx.t.Helper()
	fx.exec(`update satchel.exports set `+columns+` where id = $1`, e.ID)
}

const (
	isConfirmed  = `status = 'confirmed', confirmed_at = now()`
	isProcessing = `status = 'processing', confirmed_at = now() - interval '1 minute'`
	isCompleted  = `status = 'completed', confirmed_at = now(), completed_at = now(), expires_at = now() + interval '23 hours',
		available_again_at = now() + interval '23 hours', size = 468740550, sha256 = repeat('ab', 32)`
)

func TestEachStateIsShownWithItsActions(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	owner := fx.signedIn(fx.owner)
	nothing := owner.get(settings)
	nothing.requirePage(t, http.StatusOK, `id="export"`, `data-status="none"`, `id="ask"`, fx.owner+"@example.com", "24 hours",
		"Every call of the account", "Left out: the PIN", "account-export-1.0.json")
	requireNothingInline(t, nothing.body)

	e := fx.pendingExport(fx.owner)
	for _, state := range []struct {
		how    string
		status string
		shows  []string
		hides  []string
	}{
		{`status = 'pending'`, "pending",
			[]string{"Pending</p>", fx.owner + "@example.com", "23 h 59 min", `id="resend">`, `id="cancel"`, "3 times", "sse-connect", "<noscript>", "Requested by <strong>Ada"},
			[]string{`id="ask"`, `id="download"`, `id="delete"`}},
		{`confirm_by = now() - interval '1 second'`, "pending", []string{"has expired", "<noscript>"}, []string{`id="resend"`, `id="cancel"`}},
		{isConfirmed, "confirmed", []string{"Confirmed</p>", `data-stage="starting"`, `id="cancel"`, "Cancel it?", `id="cancel-confirm"`, `data-category="voipProviders"`, "sse-connect"}, []string{`id="resend"`, `id="ask"`}},
		{isProcessing, "processing", []string{"Processing</p>", "1 min 0 s", "too early to tell", `id="cancel"`}, []string{`id="ask"`, `id="delete"`}},
		{isCompleted, "completed",
			[]string{"Completed</p>", `id="download"`, "468.7 MB", "468,740,550 bytes", `id="sha256">` + strings.Repeat("ab", 32), `id="copy-sha256"`, `id="delete"`, `id="delete-confirm"`, "22 h 59 min", "none yet", "File ready"},
			[]string{`id="cancel"`, `id="ask"`}},
		{`expires_at = now() - interval '1 second'`, "completed", []string{"Expired</p>", "is over", "<noscript>"}, []string{`id="download"`, `id="delete"`}},
		{`status = 'expired', reason = 'window_passed', ended_at = now()`, "expired", []string{"Expired</p>", `data-reason="window_passed"`, `id="cooldown"`}, []string{`id="ask"`, "sse-connect"}},
		{`available_again_at = now()`, "expired", []string{`id="ask"`, `data-reason="window_passed"`}, []string{`id="cooldown"`}},
		{`reason = 'deleted'`, "expired", []string{`data-reason="deleted"`, "deleted early"}, nil},
		{`reason = 'unconfirmed'`, "expired", []string{`data-reason="unconfirmed"`, "not confirmed in time"}, nil},
		{`status = 'cancelled', reason = 'cancelled'`, "cancelled", []string{"was cancelled", `id="ask"`}, []string{"sse-connect"}},
		{`status = 'failed', reason = 'We could not read your calls. Please request a new export.', failed_category = 'calls'`, "failed",
			[]string{"We could not read your calls.", `class="failed" data-category="calls"`, "our support", e.ID, `id="ask"`}, []string{"sse-connect"}},
	} {
		fx.updateExport(e, state.how)
		page := owner.get(settings)
		page.requirePage(t, http.StatusOK, append(state.shows, `data-status="`+state.status+`"`)...)
		for _, word := range state.hides {
			require.NotContains(t, page.body, word, state.how)
		}
		require.Equal(t, 1, strings.Count(page.body, `id="export"`))
		requireNothingInline(t, page.body)
	}
}

func TestTheMailCanBeSentAgainThreeTimesAnHourAndThePageSaysWhen(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	e := fx.pendingExport(fx.owner)
	owner := fx.signedIn(fx.owner)
	for _, left := range []string{"3 times", "twice", "once"} {
		owner.get(settings).requirePage(t, http.StatusOK, "sent again "+left)
		require.Equal(t, http.StatusSeeOther, owner.post(settings+"/"+e.ID+"/resend", nil).status)
	}
	page := owner.get(settings + "?done=resent")
	page.requirePage(t, http.StatusOK, `id="resend" disabled`, "too often", "once more from", "on its way again", "Email requested again by <strong>Ada")
	owner.post(settings+"/"+e.ID+"/resend", nil).requirePage(t, http.StatusTooManyRequests, `role="alert"`, "too often")
	fx.exec(`update satchel.audit set at = at - interval '61 minutes' where action = 'mail_lost' and id = (select min(id) from satchel.audit where action = 'mail_lost')`)
	owner.get(settings).requirePage(t, http.StatusOK, "sent again once")
}

func TestThePageShowsTheDeliveryStateOfTheConfirmationMail(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	e := fx.pendingExport(fx.owner)
	owner := fx.signedIn(fx.owner)
	owner.get(settings).requirePage(t, http.StatusOK, "We are sending an email with a link to", fx.owner+"@example.com")
	key := schema.EmailKey(schema.ConfirmationEmail, fx.owner, 1)
	require.NoError(t, fx.deps.store.RecordEmailOutcome(t.Context(), e.ID, schema.EmailKey("notice", fx.admin, 1), true))
	owner.get(settings).requirePage(t, http.StatusOK, "We are sending an email")
	require.NoError(t, fx.deps.store.RecordEmailOutcome(t.Context(), e.ID, key, false))
	owner.get(settings).requirePage(t, http.StatusOK, "cannot be delivered to", fx.owner+"@example.com", `id="resend"`)
	require.NoError(t, fx.deps.store.RecordEmailOutcome(t.Context(), e.ID, key, true))
	owner.get(settings).requirePage(t, http.StatusOK, "We have sent an email with a link to", fx.owner+"@example.com")
	fx.updateExport(e, "link_version = 2")
	owner.get(settings).requirePage(t, http.StatusOK, "We are sending an email")
}

func TestAProgramsRequestIsMailedToTheOwners(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	fx.pendingExport("")
	page := fx.signedIn(fx.admin).get(settings)
	page.requirePage(t, http.StatusOK, fx.owner+"@example.com", "a program with the account’s own credentials")
	require.NotContains(t, page.body, fx.admin+"@example.com")
}

func TestTheMessageAboutAnActionIsShownOnlyWhileItIsNews(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	e := fx.pendingExport(fx.owner)
	owner := fx.signedIn(fx.owner)
	owner.get(settings+"?done=requested").requirePage(t, http.StatusOK, "One step is left")
	require.NotContains(t, owner.get(settings+"?done=deleted").body, "being deleted")
	fx.updateExport(e, isProcessing)
	require.NotContains(t, owner.get(settings+"?done=requested").body, "One step is left")
	require.Contains(t, owner.get(settings).body, `id="cancel"`)
	cancelled := owner.post(settings+"/"+e.ID+"/cancel", nil)
	cancelling := owner.get(cancelled.header.Get("Location"))
	cancelling.requirePage(t, http.StatusOK, "The export is being cancelled", "<noscript>")
	require.NotContains(t, cancelling.body, `id="cancel"`, "once is enough")
	require.NotContains(t, cancelling.body, "We write to")
	anew := regexp.MustCompile(`hx-get="([^"]+)"`).FindStringSubmatch(cancelling.body)
	require.NotNil(t, anew)
	owner.get(anew[1]).requirePage(t, http.StatusOK, "The export is being cancelled")
	require.Contains(t, owner.get(settings+"?cancelled="+schema.NewExportID()).body, `id="cancel"`, "it was another one")
	require.NotContains(t, owner.get(settings+"?done="+url.QueryEscape("<b>")).body, "<b>")
}

func TestHostileNamesAreEscaped(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>{{.}} ' --`
	fx.exec(`update platform.accounts set name = $1`, hostile)
	fx.exec(`update platform.users set name = $1`, hostile)
	fx.exec(`update platform.users set email = sid || '"><script>alert(2)</script>@example.com'`)
	e := fx.pendingExport(fx.owner)
	owner := fx.signedIn(fx.owner)
	pages := []string{settings, fx.confirmLink(e), "/stop/" + fx.links.Token(schema.ToStop, e.ID, 1), "/sign-in", "/nowhere", settings + "/live"}
	for _, how := range []string{`status = 'pending'`, isProcessing, isCompleted, `status = 'failed', reason = '<script>alert(3)</script>', failed_category = '<script>'`} {
		fx.updateExport(e, how)
		for _, path := range pages {
			page := owner.get(path)
			require.NotContains(t, page.body, "<script>", path)
			require.NotContains(t, page.body, "<img src=x", path)
			if path != settings+"/live" {
				requireNothingInline(t, page.body)
			}
		}
	}
	owner.get(settings).requirePage(t, http.StatusOK, "&lt;script&gt;alert(3)")
}

func TestTheTimelineSaysWhoChangedAnExportAndCountsDownloads(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	e := fx.pendingExport(fx.owner)
	require.NoError(t, fx.deps.store.AccountExports().ConfirmExport(t.Context(), e.ID, fx.admin, "age1", []byte("wrapped")))
	fx.updateExport(e, isCompleted)
	for _, from := range []int{0, 5000, 0, 70000} { // the second and the fourth resume a download
		require.NoError(t, fx.deps.store.AuditDownload(t.Context(), store.AuditEvent{Account: e.Account, Subject: e.ID, Actor: fx.admin}, from == 0))
	}
	owner := fx.signedIn(fx.owner)
	owner.get(settings).requirePage(t, http.StatusOK, "Requested by <strong>Ada", "Confirmed by <strong>Grace", "Downloaded by <strong>Grace", "2 times, last", `<dd id="downloads">2</dd>`)
	require.NoError(t, fx.deps.store.AccountExports().EndExport(t.Context(), e.ID, schema.Ending{Status: schema.Expired, Reason: schema.ReasonDeleted}, fx.admin, schema.Certificate{Objects: 14}))
	owner.get(settings).requirePage(t, http.StatusOK, "deleted by <strong>Grace", "14 stored objects", "Deleted early by <strong>Grace", `<dt>Downloads</dt><dd>2</dd>`)
	fx.exec(`update satchel.exports set available_again_at = now() - interval '1 second'`)
	now := time.Now()
	fx.insertExport(schema.Export{ID: schema.NewExportID(), Account: fx.account, RequestedBy: fx.owner, RequestedAt: now, ConfirmBy: now.Add(time.Hour)})
	owner.get(settings).requirePage(t, http.StatusOK, `data-label="Downloads" class="number">2</td>`)
}

func TestSigningInForAFileReturnsToThePageWithTheFile(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	e := fx.pendingExport(fx.owner)
	for _, path := range []string{"/download/" + fx.links.Token(schema.ToDownload, e.ID, 1), settings + "/" + e.ID + "/file"} {
		fx.updateExport(e, isCompleted)
		fx.anonymous().get(path).requirePage(t, http.StatusUnauthorized, "to download the file", url.QueryEscape(path+"?signed-in"))
		back := fx.signedIn(fx.admin).get(path + "?signed-in")
		require.Equal(t, http.StatusSeeOther, back.status)
		require.Equal(t, settings+"?download="+e.ID, back.header.Get("Location"))
		if stranger := fx.signedIn(fx.otherOwner).get(path + "?signed-in"); strings.HasPrefix(path, "/download/") {
			stranger.requirePage(t, http.StatusForbidden, "another account", `name="return" value="`+path+`?signed-in"`)
			fx.signedIn(fx.otherOwner).get(path).requirePage(t, http.StatusForbidden, "Sign in as someone else", `name="return" value="`+path+`?signed-in"`)
		} else {
			stranger.requirePage(t, http.StatusNotFound)
		}
		fx.updateExport(e, `status = 'expired', reason = 'deleted', ended_at = now()`)
		fx.signedIn(fx.admin).get(path+"?signed-in").requirePage(t, http.StatusGone, "deleted", "Go to Data Export")
		fx.updateExport(e, `ended_at = null, reason = '', `+isProcessing)
		fx.signedIn(fx.admin).get(path+"?signed-in").requirePage(t, http.StatusConflict, "not ready")
	}
}

func TestALinkOfAnotherAccountOffersToSignInAgain(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	link := fx.confirmLink(fx.pendingExport(fx.owner))
	stranger := fx.signedIn(fx.otherOwner)
	stranger.get(link).requirePage(t, http.StatusForbidden, "another account", `name="return" value="`+link+`"`)
	out := stranger.post("/sign-out", url.Values{"return": {link}})
	require.Equal(t, http.StatusSeeOther, out.status)
	require.Equal(t, "/sign-in?return="+url.QueryEscape(link), out.header.Get("Location"))
	away := fx.signedIn(fx.otherOwner).post("/sign-out", url.Values{"return": {"https://evil.example.com"}})
	require.Equal(t, "/sign-in?return=%2F", away.header.Get("Location"))
}

func TestThePageListsTwentyEarlierExports(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	fx.exec(`insert into satchel.exports (id, account_sid, requested_by, status, reason, requested_at, confirm_by, ended_at)
		select 'EX' || md5(n::text), $1, $2, 'cancelled', 'cancelled', now() - n * interval '1 day', now(), now() from generate_series(1, 30) n`, fx.account, fx.owner)
	page := fx.signedIn(fx.owner).get(settings)
	require.Equal(t, 20, strings.Count(page.body, `data-ended="cancelled"`))
	latest := regexp.MustCompile(`data-export="(EX[0-9a-f]{32})"`).FindStringSubmatch(page.body)
	require.Equal(t, 1, strings.Count(page.body, latest[0]), "the latest is above, and not among the earlier ones again")
	require.Contains(t, page.body, fmt.Sprint(time.Now().Add(-24*time.Hour).UTC().Day()))
}

func TestSettingsLeadBackToTheHostsOwn(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{"": settings, "https://app.acme.example/settings": "https://app.acme.example/settings"} {
		fx := newFixture(t, func(fx *fixture) { fx.settings.SettingsURL = host })
		back := fx.anonymous().get("/settings")
		require.Equal(t, http.StatusSeeOther, back.status)
		require.Equal(t, want, back.header.Get("Location"))
		fx.signedIn(fx.owner).get(settings).requirePage(t, http.StatusOK, `<a href="/settings">Settings</a>`)
	}
}

func TestAnAddressThatCannotBeMailedIsShownToTheAccount(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	page := fx.signedIn(fx.owner).get(settings)
	require.NotContains(t, page.body, `id="unmailable"`)
	fx.exec(`update platform.users set email = 'grace@localhost', name = 'Grace Hopper' where sid = $1`, fx.admin)
	fx.signedIn(fx.owner).get(settings).requirePage(t, http.StatusOK, `id="unmailable"`, "We cannot email <strong>Grace Hopper</strong>")
}
