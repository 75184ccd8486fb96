package main

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/workflows"
)

const bulkSettings = "/settings/bulk-export"

// bulkJob writes the rows of a job of the account, whose last day is yesterday,
// as its run would.
func (fx *fixture) bulkJob(name string, days int) schema.Job {
	fx.t.Helper()
	last := schema.DayOf(time.Now()).Plus(-1)
	o := schema.NewJob{
		JobRequest: schema.JobRequest{Name: name}, ID: schema.NewJobID(), Account: fx.account, QuotaAccount: fx.account,
		Type: schema.Calls, Start: last.Plus(1 - days), End: last, RequestedBy: fx.owner, QuotaDays: 366,
	}
	require.NoError(fx.t, fx.deps.store.BulkExports().OpenJob(fx.t.Context(), o))
	job, err := fx.deps.store.BulkExports().Job(fx.t.Context(), o.ID)
	require.NoError(fx.t, err)
	return job
}

// bulkFile writes the row of a day file, without its object.
func (fx *fixture) bulkFile(account string, day schema.Day) string {
	fx.t.Helper()
	id := schema.NewDayFileID()
	_, err := fx.deps.store.BulkExports().PublishDayFile(fx.t.Context(), schema.NewDayFile{
		ID: id, Account: account, Type: schema.Calls, Day: day, Records: 1234, Size: 56789, SHA256: strings.Repeat("ab", 32),
		Wrapped: []byte("wrapped"), ReadAt: time.Now(), Retention: 7 * 24 * time.Hour,
	})
	require.NoError(fx.t, err)
	return id
}

func (fx *fixture) bulkEvent(name, address string) schema.Event {
	fx.t.Helper()
	e := schema.Event{
		ID: uuid.NewString(), Account: fx.account, Type: schema.Calls, Job: schema.NewJobID(),
		Hook: schema.Hook{URL: address, Method: "POST"}, EventResult: schema.EventResult{Name: name, Start: "2026-03-01", End: "2026-03-02", Completed: 2},
	}
	require.NoError(fx.t, fx.deps.store.BulkExports().OpenEvent(fx.t.Context(), e))
	return e
}

func TestTheBulkPageOfANewAccountIsEmpty(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	page := fx.signedIn(fx.owner).get(bulkSettings)
	newest := schema.DayOf(time.Now()).Plus(-1)
	page.requirePage(t, http.StatusOK, `data-jobs="none"`, `data-files="none"`, `data-deliveries="none"`, `data-left="366"`, "366 of 366 left",
		`max="`+string(newest)+`" value="`+string(newest)+`"`, "This requests 7 days and leaves 359 of today’s 366 days.", "Kept for 7 days.</strong> Then a file and its encryption key",
		`id="tab-bulk-export" href="/settings/bulk-export" aria-current="page"`, string(fx.settings.site)+"/v1/Exports/Calls/Jobs")
	require.Equal(t, 4, strings.Count(page.body, `data-enabled="false"`))
	require.NotContains(t, page.body, `id="subaccounts"`)
	requireNothingInline(t, page.body)
	fx.signedIn(fx.owner).get(settings).requirePage(t, http.StatusOK, `id="tab-data-export" href="/settings/data-export" aria-current="page"`)
}

func TestAJobShowsThatItsEmailCouldNotBeDelivered(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	job := fx.bulkJob("Autumn review", 1)
	fx.exec(`update satchel.jobs set email = 'ada@example.com' where id = $1`, job.ID)
	owner := fx.signedIn(fx.owner)
	const sentence = "could not be delivered"
	require.NotContains(t, owner.get(bulkSettings).body, sentence)
	require.NotContains(t, fx.program().get("/v1/Exports/Jobs/"+job.ID).body, "email_status")
	require.NoError(t, fx.deps.store.RecordEmailOutcome(t.Context(), job.ID, schema.JobEndedEmail, false))
	owner.get(bulkSettings).requirePage(t, http.StatusOK, sentence)
	require.Contains(t, fx.program().get("/v1/Exports/Jobs/"+job.ID).body, `"email_status":"undeliverable"`)
}

func TestAJobIsShownWithItsStateAndItsActions(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	job := fx.bulkJob("Autumn review", 5)
	owner := fx.signedIn(fx.owner)
	page := owner.get(bulkSettings)
	page.requirePage(t, http.StatusOK, `data-job="`+job.ID+`" data-state="waiting"`, `aria-label="5 days: 5 waiting"`, "Next in line", "Requested by Ada",
		`id="delete-confirm-`+job.ID+`"`, `data-left="361"`, "361 of 366 left", "<noscript>", `data-poll-interval="1500"`)
	require.Equal(t, 5, strings.Count(page.body, `><title>`))

	for i, status := range []schema.DayStatus{schema.DayRunning, schema.DayErrorDuringRun, schema.DayCompleted, schema.DayCompletedEmpty, schema.DayFailed} {
		fx.exec(`update satchel.job_days set status = $3, records = 7, ended_at = case when $4 then now() end where job_id = $1 and day = $2`,
			job.ID, job.Start.Plus(i), status, status.Ended())
	}
	owner.get(bulkSettings).requirePage(t, http.StatusOK, `data-state="running"`, "5 days: 1 being written, 1 to be retried, 1 done, 1 without records, 1 failed", "3 of 5 done, 35 records")
	require.NotContains(t, owner.get(bulkSettings).body, "in line", "it is under way")
	fx.exec(`update satchel.jobs set deleting_at = now() where id = $1`, job.ID)
	leaving := owner.get(bulkSettings)
	leaving.requirePage(t, http.StatusOK, `data-state="deleting"`, "Being deleted")
	require.NotContains(t, leaving.body, "delete-confirm-")
	fx.exec(`update satchel.jobs set ended_at = now() where id = $1`, job.ID)
	owner.get(bulkSettings).requirePage(t, http.StatusOK, `data-state="deleted"`, `data-poll-interval="15000"`, "?again="+job.ID)
	fx.exec(`update satchel.jobs set deleting_at = null where id = $1`, job.ID)
	owner.get(bulkSettings).requirePage(t, http.StatusOK, `data-state="failed"`, "Done, but some days failed")
	fx.exec(`update satchel.job_days set status = 'Completed' where job_id = $1`, job.ID)
	owner.get(bulkSettings).requirePage(t, http.StatusOK, `data-state="done"`, `data-announce="Job done: 5 days: 5 done."`)
	owner.get(bulkSettings+"?again="+job.ID).requirePage(t, http.StatusOK, `value="Autumn review"`, `value="`+string(job.Start)+`"`, `value="Calls" id="type-Calls" checked`)
}

func TestEachWeekdayHasARowInTheGridOfALongJob(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.bulkJob("A year", 366)
	page := fx.signedIn(fx.owner).get(bulkSettings)
	page.requirePage(t, http.StatusOK, `aria-label="366 days: 366 waiting"`, `height="136"`, `data-left="0"`, "All 366 days of today’s quota are used. The quota renews on", `id="ask-job" disabled`, `role="region" aria-label="The days of A year" tabindex="0"`)
	require.Equal(t, 366, strings.Count(page.body, `><title>`))
}

func TestTenJobsAreShownAtATimeAndEachOnce(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	for i := range 13 {
		fx.bulkJob(fmt.Sprintf("Job %d.", i), 1)
	}
	owner := fx.signedIn(fx.owner)
	first := owner.get(bulkSettings)
	require.Equal(t, 10, strings.Count(first.body, `data-job="`))
	older := regexp.MustCompile(`href="(/settings/bulk-export\?before=[^"#]+)#jobs"`).FindStringSubmatch(first.body)
	require.Len(t, older, 2)
	second := owner.get(older[1])
	require.Equal(t, 3, strings.Count(second.body, `data-job="`))
	for i := range 13 {
		require.Equal(t, 1, strings.Count(first.body+second.body, fmt.Sprintf("<bdi>Job %d.</bdi>", i)), i)
	}
	second.requirePage(t, http.StatusOK, `id="newest"`, "&amp;before=")
	owner.get(bulkSettings+"?before=-5.JSx").requirePage(t, http.StatusOK, `data-job="`)
}

func TestTheLivePartIsSentOnlyWhenItHasChanged(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	job := fx.bulkJob("Autumn review", 2)
	owner := fx.signedIn(fx.owner)
	live := regexp.MustCompile(`hx-get="([^"]+)"`)
	at := live.FindStringSubmatch(owner.get(bulkSettings).body)[1]
	require.Equal(t, http.StatusNoContent, owner.get(at).status)
	fx.exec(`update satchel.job_days set status = 'Running' where job_id = $1 and day = $2`, job.ID, job.Start)
	changed := owner.get(at)
	changed.requirePage(t, http.StatusOK, `data-state="running"`, `id="quota"`, `hx-swap-oob="true"`)
	require.NotContains(t, changed.body, "job-form", "typed text is kept")
	require.Equal(t, http.StatusNoContent, owner.get(live.FindStringSubmatch(changed.body)[1]).status)
	fx.anonymous().get(at).requirePage(t, http.StatusUnauthorized)
	fx.signedIn(fx.member).get(at).requirePage(t, http.StatusForbidden)
	require.NotContains(t, fx.signedIn(fx.otherOwner).get(bulkSettings+"/live").body, job.ID)
}

func TestEachDownloadGetsANewLinkForItsAccountOnly(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	for i := range 10 {
		fx.bulkFile(fx.account, schema.DayOf(time.Now()).Plus(-2-i))
	}
	file := fx.bulkFile(fx.account, schema.DayOf(time.Now()).Plus(-1))
	owner := fx.signedIn(fx.owner)
	page := owner.get(bulkSettings)
	page.requirePage(t, http.StatusOK, `data-file="`+file+`"`, "1,234 records", "56.8 kB", "6 days 23 h", strings.Repeat("ab", 32), `id="remove-`+file+`"`, "the daily export")
	require.Equal(t, 11, strings.Count(page.body, "data-file="))
	link := owner.get(bulkSettings + "/files/" + file)
	require.Equal(t, http.StatusSeeOther, link.status)
	require.Regexp(t, `^/files/`+file+`/Calls-[0-9-]{10}\.json\.gz\?by=`+fx.owner+`&exp=\d+&sig=[0-9a-f]{64}$`, link.header.Get("Location"))
	for _, path := range []string{bulkSettings + "/files/" + file, bulkSettings + "/files/" + file + "/delete"} {
		fx.signedIn(fx.otherOwner).do(map[bool]string{true: "POST", false: "GET"}[strings.HasSuffix(path, "delete")], path, nil, "Sec-Fetch-Site", "same-origin").requirePage(t, http.StatusNotFound)
	}
	fx.signedIn(fx.member).get(bulkSettings+"/files/"+file).requirePage(t, http.StatusForbidden)
	fx.anonymous().get(bulkSettings+"/files/"+file).requirePage(t, http.StatusUnauthorized)
	fx.exec(`update satchel.day_files set expires_at = now() where id = $1`, file)
	owner.get(bulkSettings+"/files/"+file).requirePage(t, http.StatusNotFound, "Go to Bulk Export")
	require.NotContains(t, owner.get(bulkSettings).body, file)
}

func TestEveryFileOfAYearIsReachedByPagesAndTypesAndEmptyOnesAreFolded(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	for i := range 113 {
		file := fx.bulkFile(fx.account, schema.DayOf(time.Now()).Plus(-1-i))
		if i%50 == 0 {
			fx.exec(`update satchel.day_files set records = 0 where id = $1`, file)
		}
	}
	fx.exec(`update satchel.day_files set resource_type = 'Messages' where day > $1`, schema.DayOf(time.Now()).Plus(-4))
	owner := fx.signedIn(fx.owner)
	walk := func(at string) (days []string) {
		for at != "" {
			page := owner.get(at)
			page.requirePage(t, http.StatusOK)
			for _, found := range regexp.MustCompile(`data-file="[^"]+" data-type="([^"]+)" data-day="([^"]+)"`).FindAllStringSubmatch(page.body, -1) {
				days = append(days, found[1]+found[2])
			}
			live := regexp.MustCompile(`hx-get="([^"]+)"`).FindStringSubmatch(page.body)[1]
			require.Equal(t, http.StatusNoContent, owner.get(html.UnescapeString(live)).status, "a refresh shows the same page")
			at = ""
			if older := regexp.MustCompile(`id="older-files" href="([^"]+)"`).FindStringSubmatch(page.body); older != nil {
				at = html.UnescapeString(older[1])
			}
		}
		slices.Sort(days)
		require.Len(t, slices.Compact(slices.Clone(days)), len(days), "each once")
		return days
	}
	require.Len(t, walk(bulkSettings), 110)
	owner.get(bulkSettings).requirePage(t, http.StatusOK, "3 files without records are not listed")
	require.Len(t, walk(bulkSettings+"?empty=show"), 113)
	require.Len(t, walk(bulkSettings+"?type=Calls"), 108)
	require.Len(t, walk(bulkSettings+"?type=Messages&empty=show"), 3)
	require.Empty(t, walk(bulkSettings+"?type=Conferences"))
	owner.get(bulkSettings+"?type=x&files=-1").requirePage(t, http.StatusOK, `aria-current="true">All</a>`)
}

func TestAJobsFilesAreListedNewestDayFirst(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	job := fx.bulkJob("Autumn review", 3)
	fx.bulkFile(fx.account, job.End.Plus(-9)) // of the daily export, before
	for _, i := range []int{1, 2, 0} {
		fx.exec(`update satchel.day_files set job_id = $2 where id = $1`, fx.bulkFile(fx.account, job.Start.Plus(i)), job.ID)
	}
	fx.bulkFile(fx.account, job.End.Plus(-8)) // and after
	var days []schema.Day
	for _, found := range regexp.MustCompile(`data-type="Calls" data-day="([^"]+)"`).FindAllStringSubmatch(fx.signedIn(fx.owner).get(bulkSettings).body, -1) {
		days = append(days, schema.Day(found[1]))
	}
	require.Equal(t, []schema.Day{job.End.Plus(-8), job.End, job.End.Plus(-1), job.End.Plus(-2), job.End.Plus(-9)}, days)
}

func TestDeliveriesShowTheirLogAndCanBeSentAgain(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	e := fx.bulkEvent("Autumn review", "https://hooks.example.com/x?a=1&b=2")
	owner := fx.signedIn(fx.owner)
	waiting := owner.get(bulkSettings)
	waiting.requirePage(t, http.StatusOK, `data-delivery="`+e.ID+`" data-status="pending"`, "On its way", "https://hooks.example.com/x?a=1&amp;b=2")
	require.NotContains(t, waiting.body, `id="again-`)
	require.NoError(t, fx.deps.store.BulkExports().RecordAttempt(t.Context(), e.ID, schema.EventAttempt{HTTPStatus: 500, Outcome: "refused with 500", Took: 1234}))
	owner.get(bulkSettings).requirePage(t, http.StatusOK, "To be retried", "refused with 500", "1,234 ms", "(1 attempt)")
	require.NoError(t, fx.deps.store.BulkExports().MarkEventFailed(t.Context(), e.ID))
	owner.get(bulkSettings).requirePage(t, http.StatusOK, "Given up", `id="again-`+e.ID)
	fx.signedIn(fx.otherOwner).post(bulkSettings+"/deliveries/"+e.ID+"/again", nil).requirePage(t, http.StatusNotFound, "There is no such event.")
	again := owner.post(bulkSettings+"/deliveries/"+e.ID+"/again", nil)
	require.Equal(t, http.StatusSeeOther, again.status)
	require.Equal(t, bulkSettings+"?done=resent#deliveries", again.header.Get("Location"))
	_, err := fx.deps.temporal.DescribeWorkflowExecution(t.Context(), workflows.WebhookID(e.ID), "")
	require.NoError(t, err, "its run was started")
}

func TestAParentSeesASummaryOfItsSubaccounts(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	subaccount := schema.NewAccountID()
	fx.addAccount(subaccount, `Sub <script>`, "sub")
	fx.exec(`update platform.accounts set parent_sid = $2 where sid = $1`, subaccount, fx.account)
	subOwner := fx.addUser(subaccount, "Su", "owner")
	fx.bulkFile(subaccount, schema.DayOf(time.Now()).Plus(-1))
	fx.exec(`insert into satchel.bulk_configurations (account_sid, resource_type, enabled) values ($1, 'Calls', true), ($1, 'Messages', false)`, subaccount)
	last := schema.DayOf(time.Now()).Plus(-1)
	require.NoError(t, fx.deps.store.BulkExports().OpenJob(t.Context(), schema.NewJob{
		JobRequest: schema.JobRequest{Name: "secret name"}, ID: schema.NewJobID(), Account: subaccount, QuotaAccount: fx.account,
		Type: schema.Calls, Start: last.Plus(-9), End: last, QuotaDays: 366,
	}))
	page := fx.signedIn(fx.owner).get(bulkSettings)
	page.requirePage(t, http.StatusOK, `data-subaccount="`+subaccount+`"`, "Sub &lt;script&gt;", `data-label="Open jobs" class="number">1<`, `data-label="Files" class="number">1<`,
		`data-label="Days today" class="number">10<`, `data-label="Daily exports">Calls<`, "356 of 366 left", "10 have been requested so far", "shared by the parent account and its subaccounts")
	require.NotContains(t, page.body, "secret name", "what it exports is its own")
	sub := fx.signedIn(subOwner).get(bulkSettings)
	sub.requirePage(t, http.StatusOK, "secret name", "356 of 366 left")
	require.NotContains(t, sub.body, `id="subaccounts"`)
}

func TestFormErrorsAreShownBesideTheirFieldsAndInputIsKept(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	owner := fx.signedIn(fx.owner)
	good := url.Values{"type": {"Calls"}, "start": {"2026-03-01"}, "end": {"2026-03-02"}, "name": {`<i>"Ünïcode"</i>`}, "url": {""}, "method": {"POST"}, "email": {""}}
	for field, c := range map[string]struct{ value, says string }{
		"start": {"1.3.2026", "The first day &#34;1.3.2026&#34; is not a date in the form yyyy-mm-dd."},
		"end":   {"2026-02-01", "The last day 2026-02-01 is before the first day 2026-03-01."},
		"name":  {"", "The name is missing."},
		"url":   {"https://10.0.0.1/x", "The webhook’s URL points to a private"},
		"email": {"two@example.com, three@example.com", "The email address is not a single plain email address."},
	} {
		form := url.Values{}
		for name, values := range good {
			form[name] = values
		}
		form.Set(field, c.value)
		page := owner.post(bulkSettings, form)
		page.requirePage(t, http.StatusBadRequest, c.says, `id="`+field+`-problem"`, `aria-invalid="true" aria-describedby="`+field+`-problem"`, `value="Calls" id="type-Calls" checked`)
		require.Equal(t, 1, strings.Count(page.body, "aria-invalid"), field)
		if field != "name" {
			require.Contains(t, page.body, `value="&lt;i&gt;&#34;Ünïcode&#34;&lt;/i&gt;"`, "what was typed stays")
		}
		requireNothingInline(t, page.body)
	}
	good.Set("type", "Secrets")
	owner.post(bulkSettings, good).requirePage(t, http.StatusBadRequest, "Choose what to export.")
	daily := owner.post(bulkSettings+"/daily/Calls", url.Values{"enabled": {"on"}, "url": {"ftp://example.com"}, "method": {"GET"}})
	daily.requirePage(t, http.StatusBadRequest, `id="url-problem-Calls"`, `<details id="change-Calls" open>`, `value="ftp://example.com"`, `id="enabled-Calls" checked`, `data-daily="Calls" data-enabled="false"`)
	owner.post(bulkSettings+"/daily/Nothing", nil).requirePage(t, http.StatusNotFound)

	good.Set("type", "Calls")
	unavailable := owner.post(bulkSettings, good) // Temporal is unavailable
	unavailable.requirePage(t, http.StatusServiceUnavailable, "This cannot be done right now.", `&lt;i&gt;&#34;Ünïcode&#34;`)
	require.NotEmpty(t, unavailable.header.Get("Retry-After"))
}

func TestOnlyOwnersAndAdminsReachBulkExportsAndOnlyFromOurPages(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	job := fx.bulkJob("Autumn review", 1)
	paths := []string{
		bulkSettings, bulkSettings + "/daily/Calls", bulkSettings + "/jobs/" + job.ID + "/delete", bulkSettings + "/files/" + schema.NewDayFileID() + "/delete",
		bulkSettings + "/deliveries/" + uuid.NewString() + "/again",
	}
	member := fx.signedIn(fx.member)
	seen := member.get(bulkSettings)
	seen.requirePage(t, http.StatusForbidden, "owner or admin")
	for _, word := range []string{"new-job", `id="live"`, "daily", "settings/data-export", "Autumn review", "tabs"} {
		require.NotContains(t, seen.body, word)
	}
	for _, path := range paths {
		member.post(path, nil).requirePage(t, http.StatusForbidden)
		fx.anonymous().post(path, nil).requirePage(t, http.StatusUnauthorized, url.QueryEscape(bulkSettings))
		fx.signedIn(fx.owner).post(path, nil, "Sec-Fetch-Site", "cross-site").requirePage(t, http.StatusForbidden, "another site")
	}
	fx.signedIn(fx.admin).get(bulkSettings).requirePage(t, http.StatusOK, "Autumn review")
	stranger := fx.signedIn(fx.otherOwner)
	require.NotContains(t, stranger.get(bulkSettings).body, "Autumn review")
	stranger.post(paths[2], nil).requirePage(t, http.StatusNotFound, "There is no such job.")
	require.NotContains(t, stranger.get(bulkSettings+"?again="+job.ID).body, "Autumn review")
}

func TestHostileNamesOfBulkExportsAreEscaped(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	const hostile = "\"><script>alert(1)</script>{{.}} \u202egnp.exe <img src=x onerror=alert(1)>"
	job := fx.bulkJob(hostile, 1)
	fx.bulkEvent(hostile, `https://x.example.com/"><script>alert(2)</script>`)
	file := fx.bulkFile(fx.account, job.Start)
	fx.exec(`update satchel.day_files set friendly_name = $2, job_id = $3 where id = $1`, file, hostile, job.ID)
	fx.exec(`insert into satchel.bulk_configurations (account_sid, resource_type, enabled, webhook_url, webhook_method) values ($1, 'Calls', true, $2, 'POST')`, fx.account, "https://x/"+hostile)
	for _, path := range []string{bulkSettings, bulkSettings + "/live", bulkSettings + "?again=" + job.ID} {
		page := fx.signedIn(fx.owner).get(path)
		require.Equal(t, http.StatusOK, page.status)
		require.NotContains(t, page.body, "<script>", path)
		require.NotContains(t, page.body, "<img src=x", path)
		require.Contains(t, page.body, "<bdi>&#34;&gt;&lt;script&gt;alert(1)", "its direction stays its own")
	}
}

func TestAnUnsubscribeLinkEndsTheNoticesOfOnePersonWithOnePost(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	path := "/unsubscribe/" + fx.links.Token(schema.ToUnsubscribe, fx.admin, 1)
	unsubscribed := func() map[string]bool {
		all, err := fx.deps.store.BulkExports().Unsubscribed(t.Context(), []string{fx.owner, fx.admin})
		require.NoError(t, err)
		return all
	}
	anonymous := fx.anonymous()
	anonymous.get(path).requirePage(t, http.StatusOK, `id="unsubscribe"`, `data-unsubscribe="ask"`)
	require.Empty(t, unsubscribed(), "looking changes nothing")
	// As a mail program posts it: no page, no session (RFC 8058).
	for range 2 {
		anonymous.do(http.MethodPost, path, strings.NewReader("List-Unsubscribe=One-Click"), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site", "Origin", "https://mail.example").
			requirePage(t, http.StatusOK, `data-unsubscribe="done"`)
	}
	require.Equal(t, map[string]bool{fx.admin: true}, unsubscribed(), "and no other person")
	for _, token := range []string{"AAAA", fx.links.Token(schema.ToStop, schema.NewExportID(), 1), fx.links.Token(schema.ToUnsubscribe, fx.owner, 1)[1:]} {
		anonymous.get("/unsubscribe/"+token).requirePage(t, http.StatusNotFound)
		anonymous.post("/unsubscribe/"+token, nil).requirePage(t, http.StatusNotFound)
	}
	require.Len(t, unsubscribed(), 1)
}
