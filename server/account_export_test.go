package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"

	"satchel/activities"
	"satchel/activities/accountexport"
	"satchel/schema"
	"satchel/workflows"
	"satchel/workflows/registry"
)

// document is what the archives of these tests hold.
var document = `{"exportVersion":"1.0","data":{"account":[` + strings.Repeat(`{"name":"Analytical Engines"},`, 5000) + `{}]}}`

// fakeActivities write real rows and a real archive, and send no mail.
type fakeActivities struct{ *deps }

func (h *fakeActivities) OpenExport(ctx context.Context, in accountexport.OpenExportInput) error {
	return h.store.AccountExports().OpenExport(ctx, schema.NewExport{
		Export: in.Export, Account: in.Account, RequestedBy: in.RequestedBy, RequestedAt: in.RequestedAt, ConfirmBy: in.ConfirmBy,
	})
}

func (h *fakeActivities) ConfirmExport(ctx context.Context, in accountexport.ConfirmExportInput) error {
	recipient, wrapped, err := h.vault.NewKey(ctx, in.Account, in.Export)
	if err != nil {
		return err
	}
	return h.store.AccountExports().ConfirmExport(ctx, in.Export, in.By, recipient, wrapped)
}

func (h *fakeActivities) CollectCategory(ctx context.Context, in accountexport.CollectCategoryInput) error {
	if _, err := h.store.AccountExports().StartCollecting(ctx, in.Export); err != nil {
		return err
	}
	if err := h.store.AccountExports().BeginCategory(ctx, in.Export, in.Category, 0); err != nil {
		return err
	}
	return h.store.AccountExports().FinishCategory(ctx, in.Export, in.Category, "", schema.Checkpoint{}, time.Now())
}

func (h *fakeActivities) AssembleArchive(ctx context.Context, in accountexport.AssembleArchiveInput) (accountexport.AssembleArchiveResult, error) {
	recipient, err := h.store.AccountExports().StartCollecting(ctx, in.Export)
	if err != nil {
		return accountexport.AssembleArchiveResult{}, err
	}
	var stored bytes.Buffer
	z := gzip.NewWriter(&stored)
	_, _ = io.WriteString(z, document)
	_ = z.Close()
	key := schema.ExportPrefix(in.Export) + "archive"
	if _, err := h.vault.Create(ctx, key, recipient, func(to io.Writer) error { _, err := to.Write(stored.Bytes()); return err }); err != nil {
		return accountexport.AssembleArchiveResult{}, err
	}
	if err := h.store.AccountExports().AddSegments(ctx, in.Export, key, []schema.Segment{{TextOffset: 0, GzipOffset: 10}}); err != nil {
		return accountexport.AssembleArchiveResult{}, err
	}
	return accountexport.AssembleArchiveResult{Archive: schema.Archive{
		ObjectKey: key, Size: int64(len(document)), SHA256: hexSum(document), GzipSize: int64(stored.Len()), GzipSHA256: hexSum(stored.String()),
	}}, nil
}

func (h *fakeActivities) CompleteExport(ctx context.Context, in accountexport.CompleteExportInput) (accountexport.CompleteExportResult, error) {
	e, err := h.store.AccountExports().CompleteExport(ctx, in.Export, in.Archive.Archive, in.Windows)
	if err != nil {
		return accountexport.CompleteExportResult{}, err
	}
	return accountexport.CompleteExportResult{CompletedAt: *e.CompletedAt, ExpiresAt: *e.ExpiresAt, AvailableAgainAt: *e.AvailableAgainAt}, nil
}

func (h *fakeActivities) ConfirmWindowLeft(context.Context, accountexport.ConfirmWindowLeftInput) (time.Duration, error) {
	return 0, nil
}

func (h *fakeActivities) BeginRemoval(ctx context.Context, in accountexport.RemoveArchiveInput) (bool, error) {
	return h.store.AccountExports().BeginRemoval(ctx, in.Export, in.Ending, in.By)
}

func (h *fakeActivities) RemoveArchive(ctx context.Context, in accountexport.RemoveArchiveInput) error {
	if _, err := h.store.AccountExports().BeginRemoval(ctx, in.Export, in.Ending, in.By); err != nil {
		return err
	}
	if _, err := h.vault.Remove(ctx, schema.ExportPrefix(in.Export)); err != nil {
		return err
	}
	return h.store.AccountExports().EndExport(ctx, in.Export, in.Ending, in.By, schema.Certificate{})
}

func (h *fakeActivities) SendEmail(context.Context, activities.SendEmailInput) error { return nil }

func hexSum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// startWorkers runs a worker for each queue until the test ends.
func (fx *fixture) startWorkers() {
	fx.t.Helper()
	for _, queue := range workflows.Queues {
		activitiesOnly := queue != workflows.TaskQueue
		run := worker.New(fx.deps.temporal, queue, worker.Options{DisableRegistrationAliasing: true, DisableWorkflowWorker: activitiesOnly, WorkerStopTimeout: time.Second})
		if !activitiesOnly {
			registry.RegisterWorkflows(run)
		}
		run.RegisterActivity(&fakeActivities{fx.deps})
		require.NoError(fx.t, run.Start())
		fx.t.Cleanup(run.Stop)
	}
}

const settings = "/settings/data-export"

// press sends the form on a page whose button says this, as a browser does.
func (v *visitor) press(page, button string) response {
	v.fx.t.Helper()
	for _, form := range regexp.MustCompile(`(?s)<form method="post"( action="([^"]*)")?[^>]*>(.*?)</form>`).FindAllStringSubmatch(v.get(page).body, -1) {
		if !strings.Contains(form[3], ">"+button+"</button>") {
			continue
		}
		action, fields := page, url.Values{}
		if form[2] != "" {
			action = html.UnescapeString(form[2])
		}
		for _, field := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`).FindAllStringSubmatch(form[3], -1) {
			fields.Set(field[1], html.UnescapeString(field[2]))
		}
		return v.post(action, fields)
	}
	require.Failf(v.fx.t, "no such button", "%s on %s", button, page)
	return response{}
}

// exportOn finds the ID of the export that the page shows.
func (v *visitor) exportOn(page string) string {
	v.fx.t.Helper()
	found := regexp.MustCompile(`data-export="(EX[0-9a-f]{32})"`).FindStringSubmatch(v.get(page).body)
	require.NotNil(v.fx.t, found)
	return found[1]
}

func TestAnOwnerExportsTheAccountWithFormsAlone(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal, withBucket)
	fx.startWorkers()
	owner := fx.signedIn(fx.owner)
	owner.get(settings).requirePage(t, http.StatusOK, "Request Export", "Call schedules")

	asked := owner.press(settings, "Request Export")
	require.Equal(t, http.StatusSeeOther, asked.status, asked.body)
	owner.get(asked.header.Get("Location")).requirePage(t, http.StatusOK, "Pending</p>", "email with a link", fx.owner+"@example.com", "Cancel the export")
	require.NotContains(t, owner.get(settings).body, `id="ask"`)
	id := owner.exportOn(settings)

	require.Equal(t, http.StatusSeeOther, owner.press(settings, "Send the email again").status)
	confirm := "/confirm/" + fx.links.Token(schema.ToConfirm, id, 2)
	require.Equal(t, http.StatusSeeOther, owner.press(confirm, "Confirm and start the export").status)
	eventually(t, "the export is ready", func() bool { return strings.Contains(owner.get(settings).body, "Your file is ready") })
	owner.get(settings).requirePage(t, http.StatusOK, hexSum(document), "Balance transactions", "Ada", settings+"/"+id+"/file")
	owner.get(confirm).requirePage(t, http.StatusOK, "Already confirmed")

	mailed := "/download/" + fx.links.Token(schema.ToDownload, id, 1)
	owner.get(mailed, "Range", "bytes=0-99").requireContract(t, http.MethodGet, mailed)
	for _, path := range []string{mailed, settings + "/" + id + "/file"} {
		for _, v := range []*visitor{owner, fx.signedIn(fx.admin), fx.program()} {
			file := v.get(path)
			require.Equal(t, http.StatusOK, file.status, file.body)
			require.Equal(t, document, file.body)
			head := v.do(http.MethodHead, path, nil)
			require.Equal(t, http.StatusOK, head.status)
			require.Equal(t, file.header.Get("Content-Length"), head.header.Get("Content-Length"))
		}
		refused := fx.anonymous().get(path)
		refused.requirePage(t, http.StatusUnauthorized, "Sign in", url.QueryEscape(path))
		fx.signedIn(fx.member).get(path).requirePage(t, http.StatusForbidden, "owner or admin")
		fx.signedIn(fx.otherOwner).get(path).requirePage(t, map[bool]int{true: http.StatusForbidden, false: http.StatusNotFound}[path == mailed])
		part := owner.get(path, "Range", "bytes=100-199")
		require.Equal(t, http.StatusPartialContent, part.status)
		require.Equal(t, document[100:200], part.body)
		zipped := owner.get(path, "Accept-Encoding", "gzip")
		require.Equal(t, "gzip", zipped.header.Get("Content-Encoding"))
		z, err := gzip.NewReader(strings.NewReader(zipped.body))
		require.NoError(t, err)
		text, err := io.ReadAll(z)
		require.NoError(t, err)
		require.Equal(t, document, string(text), "compressed once, not twice")
	}

	require.Equal(t, http.StatusSeeOther, owner.press(settings, "Delete the file permanently").status)
	eventually(t, "the file is gone", func() bool { return owner.get(mailed).status == http.StatusGone })
	eventually(t, "the page says so", func() bool { return strings.Contains(owner.get(settings).body, "deleted early") })
	owner.get(mailed).requirePage(t, http.StatusGone, "deleted")
	owner.get(settings).requirePage(t, http.StatusOK, "You can request the next export on")
	owner.post(settings, nil).requirePage(t, http.StatusConflict, `role="alert"`)
}

func TestSubmittingOneFormTwiceStartsOneExport(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	owner := fx.signedIn(fx.owner)
	fields := url.Values{"key": {"the same form"}}
	require.Equal(t, http.StatusSeeOther, owner.post(settings, fields).status)
	id := owner.exportOn(settings)
	require.Equal(t, http.StatusSeeOther, owner.post(settings, fields).status)
	require.Equal(t, id, owner.exportOn(settings))
	owner.post(settings, url.Values{"key": {"another form"}}).requirePage(t, http.StatusConflict, "already under way", id)
}

func TestThePageSaysHowEachExportEnded(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	fx.exec(`insert into satchel.exports (id, account_sid, requested_by, status, reason, failed_category, requested_at, confirm_by, ended_at)
		select 'EX' || md5(ending.status || ending.reason), $1, ending.by, ending.status, ending.reason, ending.category, now() - ending.ago, now(), now()
		from (values
			('failed', 'We could not read your calls. Please request a new export.', 'calls', $2, interval '1 day'),
			('cancelled', 'cancelled', '', '', interval '2 days'),
			('expired', 'unconfirmed', '', $3, interval '3 days'),
			('expired', 'window_passed', '', $2, interval '4 days'),
			('expired', 'deleted', '', $2, interval '5 days')
		) ending (status, reason, category, by, ago)`, fx.account, fx.owner, schema.NewUserID())
	fx.signedIn(fx.admin).get(settings).requirePage(t, http.StatusOK,
		"The export failed", "We could not read your calls.", ">Request New Export</button>",
		">Cancelled</td>", ">Expired: not confirmed in time</td>",
		">Expired: file deleted after the download period</td>", ">Expired: file deleted early</td>",
		"own credentials", "no longer a user", "Ada")
	fx.exec(`update satchel.exports set requested_at = now() where status = 'cancelled'`)
	fx.signedIn(fx.admin).get(settings).requirePage(t, http.StatusOK, "The export was cancelled", ">Failed: Calls could not be read</td>")
	fx.exec(`update satchel.exports set requested_at = now() - interval '2 days' where status = 'cancelled'`)
	fx.exec(`update satchel.exports set status = 'processing', reason = '', ended_at = null, confirmed_at = now() where status = 'failed'`)
	fx.exec(`insert into satchel.categories (export_id, category, status, records, expected_records, bytes)
		select id, 'calls', 'reading', 1200, 800000, 3000000 from satchel.exports where status = 'processing'`)
	page := fx.signedIn(fx.admin).get(settings)
	page.requirePage(t, http.StatusOK, "Your export is in progress", "1,200", "of about 800,000", "3.0 MB", "Cancel the export")
	require.NotContains(t, page.body, `id="ask"`)
}

func TestAMemberSeesWhoCanDoThisAndNothingElse(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	e := fx.pendingExport(fx.owner)
	member := fx.signedIn(fx.member)
	page := member.get(settings)
	page.requirePage(t, http.StatusForbidden, "Only its owners and admins can export its data", "Ada")
	require.NotContains(t, page.body, e.ID)
	for _, path := range []string{"", "/" + e.ID + "/cancel", "/" + e.ID + "/resend", "/" + e.ID + "/delete"} {
		member.post(settings+path, nil).requirePage(t, http.StatusForbidden)
		fx.anonymous().post(settings+path, nil).requirePage(t, http.StatusUnauthorized, url.QueryEscape(settings))
	}
	for _, path := range []string{"/cancel", "/resend", "/delete"} {
		fx.signedIn(fx.otherOwner).post(settings+"/"+e.ID+path, nil).requirePage(t, http.StatusNotFound)
	}
	require.NotContains(t, fx.signedIn(fx.otherOwner).get(settings).body, e.ID)
	require.Empty(t, fx.signals())
}

func TestThePageLinksToTheRunInDevelopmentOnly(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal, func(fx *fixture) { fx.settings.TemporalUIURL = "http://127.0.0.1:8233/" })
	fx.signedIn(fx.owner).get(settings).requirePage(t, http.StatusOK, "http://127.0.0.1:8233/namespaces/default/workflows/account-export%2F"+fx.account)
	fx = newFixture(t, withTemporal, func(fx *fixture) {
		fx.settings.TemporalUIURL, fx.settings.Dev = "http://127.0.0.1:8233/", false
	})
	require.NotContains(t, fx.signedIn(fx.owner).get(settings).body, "8233")
}

func TestPagesWorkOnASiteWithAPath(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal, func(fx *fixture) { fx.settings.site = "http://127.0.0.1/data" })
	page := fx.signedIn(fx.owner).get(settings)
	page.requirePage(t, http.StatusOK, `action="/data/settings/data-export"`, `href="/data/static/site.css`)
	require.NotRegexp(t, `(href|action|src)="/[^d]`, page.body)
	require.Equal(t, "/data/settings/data-export", fx.anonymous().get("/").header.Get("Location"))
}
