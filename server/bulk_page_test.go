package main

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/workflows"
)

const bulkSettings = "/settings/bulk-export"

// bulkJob is a job of the account as its run writes it, of days that end
// yesterday.
func (w *world) bulkJob(name string, days int) schema.Job {
	w.t.Helper()
	last := schema.DayOf(time.Now()).Plus(-1)
	o := schema.JobOpening{
		JobRequest: schema.JobRequest{Name: name}, ID: schema.NewJobID(), Account: w.account, Family: w.account,
		Type: schema.Calls, Start: last.Plus(1 - days), End: last, RequestedBy: w.owner, QuotaDays: 366,
	}
	require.NoError(w.t, w.parts.store.BulkExports().OpenJob(w.t.Context(), o))
	job, err := w.parts.store.BulkExports().Job(w.t.Context(), o.ID)
	require.NoError(w.t, err)
	return job
}

// bulkFile is a file of the account to be seen, without its object.
func (w *world) bulkFile(account string, day schema.Day) string {
	w.t.Helper()
	id := schema.NewDayFileID()
	_, err := w.parts.store.BulkExports().PublishDay(w.t.Context(), schema.NewDayFile{
		ID: id, Account: account, Type: schema.Calls, Day: day, Records: 1234, Size: 56789, SHA256: strings.Repeat("ab", 32),
		Wrapped: []byte("wrapped"), ReadAt: time.Now(), Retention: 7 * 24 * time.Hour,
	})
	require.NoError(w.t, err)
	return id
}

func (w *world) bulkEvent(name, address string) schema.Event {
	w.t.Helper()
	e := schema.Event{
		ID: uuid.NewString(), Account: w.account, Type: schema.Calls, Job: schema.NewJobID(),
		Hook: schema.Hook{URL: address, Method: "POST"}, Result: schema.Result{Name: name, Start: "2026-03-01", End: "2026-03-02", Completed: 2},
	}
	require.NoError(w.t, w.parts.store.BulkExports().OpenEvent(w.t.Context(), e))
	return e
}

func TestTheBulkPageHoldsNothingYet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page := w.as(w.owner).get(bulkSettings)
	newest := schema.DayOf(time.Now()).Plus(-1)
	page.says(t, http.StatusOK, `data-jobs="none"`, `data-files="none"`, `data-deliveries="none"`, `data-left="366"`, "366 of 366 left",
		`max="`+string(newest)+`" value="`+string(newest)+`"`, "This asks for 7 days, and leaves 359 of today’s 366.", "7 days.</strong> Then a file and its key",
		`id="tab-bulk-export" href="/settings/bulk-export" aria-current="page"`, string(w.settings.site)+"/v1/Exports/Calls/Jobs")
	require.Equal(t, 4, strings.Count(page.body, `data-enabled="false"`))
	require.NotContains(t, page.body, `id="subaccounts"`)
	nothingInline(t, page.body)
	w.as(w.owner).get(settings).says(t, http.StatusOK, `id="tab-data-export" href="/settings/data-export" aria-current="page"`)
}

func TestAJobIsDrawnAsItStandsAndWithWhatCanBeDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	job := w.bulkJob("Autumn review", 5)
	owner := w.as(w.owner)
	page := owner.get(bulkSettings)
	page.says(t, http.StatusOK, `data-job="`+job.ID+`" data-state="waiting"`, `aria-label="5 days: 5 waiting"`, "Next in line", "Asked for by Ada",
		`id="delete-confirm-`+job.ID+`"`, `data-left="361"`, "361 of 366 left", "<noscript>", `data-pace="1500"`)
	require.Equal(t, 5, strings.Count(page.body, `><title>`))

	for i, status := range []schema.DayStatus{schema.DayRunning, schema.DayErrorDuringRun, schema.DayCompleted, schema.DayCompletedEmpty, schema.DayFailed} {
		w.exec(`update satchel.job_days set status = $3, records = 7, ended_at = case when $4 then now() end where job_id = $1 and day = $2`,
			job.ID, job.Start.Plus(i), status, status.Ended())
	}
	owner.get(bulkSettings).says(t, http.StatusOK, `data-state="running"`, "5 days: 1 being written, 1 to be tried again, 1 done, 1 without records, 1 failed", "3 of 5 done, 35 records")
	require.NotContains(t, owner.get(bulkSettings).body, "in line", "it is under way")
	w.exec(`update satchel.jobs set deleting_at = now() where id = $1`, job.ID)
	leaving := owner.get(bulkSettings)
	leaving.says(t, http.StatusOK, `data-state="deleting"`, "Being deleted")
	require.NotContains(t, leaving.body, "delete-confirm-")
	w.exec(`update satchel.jobs set ended_at = now() where id = $1`, job.ID)
	owner.get(bulkSettings).says(t, http.StatusOK, `data-state="deleted"`, `data-pace="15000"`, "?again="+job.ID)
	w.exec(`update satchel.jobs set deleting_at = null where id = $1`, job.ID)
	owner.get(bulkSettings).says(t, http.StatusOK, `data-state="failed"`, "Done, with days that failed")
	w.exec(`update satchel.job_days set status = 'Completed' where job_id = $1`, job.ID)
	owner.get(bulkSettings).says(t, http.StatusOK, `data-state="done"`, `data-announce="Job done: 5 days: 5 done."`)
	owner.get(bulkSettings+"?again="+job.ID).says(t, http.StatusOK, `value="Autumn review"`, `value="`+string(job.Start)+`"`, `value="Calls" id="type-Calls" checked`)
}

func TestEachWeekdayHasARowInTheGridOfALongJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bulkJob("A year", 366)
	page := w.as(w.owner).get(bulkSettings)
	page.says(t, http.StatusOK, `aria-label="366 days: 366 waiting"`, `height="136"`, `data-left="0"`, "All 366 of today’s days are asked for; they are there again on", `id="ask-job" disabled`, `role="region" aria-label="The days of A year" tabindex="0"`)
	require.Equal(t, 366, strings.Count(page.body, `><title>`))
}

func TestTenJobsAreShownAtATimeAndEachOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 13 {
		w.bulkJob(fmt.Sprintf("Job %d.", i), 1)
	}
	owner := w.as(w.owner)
	first := owner.get(bulkSettings)
	require.Equal(t, 10, strings.Count(first.body, `data-job="`))
	older := regexp.MustCompile(`href="(/settings/bulk-export\?before=[^"#]+)#jobs"`).FindStringSubmatch(first.body)
	require.Len(t, older, 2)
	second := owner.get(older[1])
	require.Equal(t, 3, strings.Count(second.body, `data-job="`))
	for i := range 13 {
		require.Equal(t, 1, strings.Count(first.body+second.body, fmt.Sprintf("<bdi>Job %d.</bdi>", i)), i)
	}
	second.says(t, http.StatusOK, `id="newest"`, "&amp;before=")
	owner.get(bulkSettings+"?before=-5.JSx").says(t, http.StatusOK, `data-job="`)
}

func TestThePartThatMovesIsSentOnlyWhenItLooksDifferent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	job := w.bulkJob("Autumn review", 2)
	owner := w.as(w.owner)
	live := regexp.MustCompile(`hx-get="([^"]+)"`)
	at := live.FindStringSubmatch(owner.get(bulkSettings).body)[1]
	require.Equal(t, http.StatusNoContent, owner.get(at).status)
	w.exec(`update satchel.job_days set status = 'Running' where job_id = $1 and day = $2`, job.ID, job.Start)
	changed := owner.get(at)
	changed.says(t, http.StatusOK, `data-state="running"`, `id="quota"`, `hx-swap-oob="true"`)
	require.NotContains(t, changed.body, "job-form", "what somebody types stays as it is")
	require.Equal(t, http.StatusNoContent, owner.get(live.FindStringSubmatch(changed.body)[1]).status)
	w.nobody().get(at).says(t, http.StatusUnauthorized)
	w.as(w.member).get(at).says(t, http.StatusForbidden)
	require.NotContains(t, w.as(w.stranger).get(bulkSettings+"/live").body, job.ID)
}

func TestFilesAreHandedOutByFreshLinksToTheirAccountAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 10 {
		w.bulkFile(w.account, schema.DayOf(time.Now()).Plus(-2-i))
	}
	file := w.bulkFile(w.account, schema.DayOf(time.Now()).Plus(-1))
	owner := w.as(w.owner)
	page := owner.get(bulkSettings)
	page.says(t, http.StatusOK, `data-file="`+file+`"`, "1,234 records", "56.8 kB", "6 days 23 h", strings.Repeat("ab", 32), `id="remove-`+file+`"`, "the daily export", "3 more files")
	link := owner.get(bulkSettings + "/files/" + file)
	require.Equal(t, http.StatusSeeOther, link.status)
	require.Regexp(t, `^/files/`+file+`/Calls-[0-9-]{10}\.json\.gz\?by=`+w.owner+`&exp=\d+&sig=[0-9a-f]{64}$`, link.header.Get("Location"))
	for _, path := range []string{bulkSettings + "/files/" + file, bulkSettings + "/files/" + file + "/delete"} {
		w.as(w.stranger).do(map[bool]string{true: "POST", false: "GET"}[strings.HasSuffix(path, "delete")], path, nil, "Sec-Fetch-Site", "same-origin").says(t, http.StatusNotFound)
	}
	w.as(w.member).get(bulkSettings+"/files/"+file).says(t, http.StatusForbidden)
	w.nobody().get(bulkSettings+"/files/"+file).says(t, http.StatusUnauthorized)
	w.exec(`update satchel.day_files set expires_at = now() where id = $1`, file)
	owner.get(bulkSettings+"/files/"+file).says(t, http.StatusNotFound, "Go to Bulk Export")
	require.NotContains(t, owner.get(bulkSettings).body, file)
}

func TestAJobsFilesAreListedNewestDayFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	job := w.bulkJob("Autumn review", 3)
	w.bulkFile(w.account, job.End.Plus(-9)) // of the daily export, before
	for _, i := range []int{1, 2, 0} {
		w.exec(`update satchel.day_files set job_id = $2 where id = $1`, w.bulkFile(w.account, job.Start.Plus(i)), job.ID)
	}
	w.bulkFile(w.account, job.End.Plus(-8)) // and after
	var days []schema.Day
	for _, found := range regexp.MustCompile(`data-type="Calls" data-day="([^"]+)"`).FindAllStringSubmatch(w.as(w.owner).get(bulkSettings).body, -1) {
		days = append(days, schema.Day(found[1]))
	}
	require.Equal(t, []schema.Day{job.End.Plus(-8), job.End, job.End.Plus(-1), job.End.Plus(-2), job.End.Plus(-9)}, days)
}

func TestDeliveriesShowTheirLogAndCanBeSentAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	e := w.bulkEvent("Autumn review", "https://hooks.example.com/x?a=1&b=2")
	owner := w.as(w.owner)
	waiting := owner.get(bulkSettings)
	waiting.says(t, http.StatusOK, `data-delivery="`+e.ID+`" data-status="pending"`, "On its way", "https://hooks.example.com/x?a=1&amp;b=2")
	require.NotContains(t, waiting.body, `id="again-`)
	require.NoError(t, w.parts.store.BulkExports().NoteTry(t.Context(), e.ID, schema.EventTry{HTTPStatus: 500, Outcome: "refused with 500", Took: 1234}))
	owner.get(bulkSettings).says(t, http.StatusOK, "To be tried again", "refused with 500", "1,234 ms", "(1 attempt)")
	require.NoError(t, w.parts.store.BulkExports().GiveUpEvent(t.Context(), e.ID))
	owner.get(bulkSettings).says(t, http.StatusOK, "Given up", `id="again-`+e.ID)
	w.as(w.stranger).post(bulkSettings+"/deliveries/"+e.ID+"/again", nil).says(t, http.StatusNotFound, "There is no such event.")
	again := owner.post(bulkSettings+"/deliveries/"+e.ID+"/again", nil)
	require.Equal(t, http.StatusSeeOther, again.status)
	require.Equal(t, bulkSettings+"?done=resent#deliveries", again.header.Get("Location"))
	_, err := w.parts.temporal.DescribeWorkflowExecution(t.Context(), workflows.WebhookID(e.ID), "")
	require.NoError(t, err, "its run was started")
}

func TestAParentSeesItsSubaccountsAtAGlance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	subaccount := schema.NewAccountID()
	w.addAccount(subaccount, `Sub <script>`, "sub")
	w.exec(`update platform.accounts set parent_sid = $2 where sid = $1`, subaccount, w.account)
	subOwner := w.addUser(subaccount, "Su", "owner")
	w.bulkFile(subaccount, schema.DayOf(time.Now()).Plus(-1))
	w.exec(`insert into satchel.bulk_configurations (account_sid, resource_type, enabled) values ($1, 'Calls', true), ($1, 'Messages', false)`, subaccount)
	last := schema.DayOf(time.Now()).Plus(-1)
	require.NoError(t, w.parts.store.BulkExports().OpenJob(t.Context(), schema.JobOpening{
		JobRequest: schema.JobRequest{Name: "secret name"}, ID: schema.NewJobID(), Account: subaccount, Family: w.account,
		Type: schema.Calls, Start: last.Plus(-9), End: last, QuotaDays: 366,
	}))
	page := w.as(w.owner).get(bulkSettings)
	page.says(t, http.StatusOK, `data-subaccount="`+subaccount+`"`, "Sub &lt;script&gt;", `data-label="Open jobs" class="number">1<`, `data-label="Files" class="number">1<`,
		`data-label="Days today" class="number">10<`, `data-label="Every day">Calls<`, "356 of 366 left", "10 are asked for so far", "of the whole account family")
	require.NotContains(t, page.body, "secret name", "what it exports is its own")
	sub := w.as(subOwner).get(bulkSettings)
	sub.says(t, http.StatusOK, "secret name", "356 of 366 left")
	require.NotContains(t, sub.body, `id="subaccounts"`)
}

func TestWhatIsWrongWithAFormIsSaidBesideItsFieldAndNothingIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.as(w.owner)
	good := url.Values{"type": {"Calls"}, "start": {"2026-03-01"}, "end": {"2026-03-02"}, "name": {`<i>"Ünïcode"</i>`}, "url": {""}, "method": {"POST"}, "email": {""}}
	for field, c := range map[string]struct{ value, says string }{
		"start": {"1.3.2026", "The first day &#34;1.3.2026&#34; is not a day written yyyy-mm-dd."},
		"end":   {"2026-02-01", "The last day 2026-02-01 is before the first day 2026-03-01."},
		"name":  {"", "The name is missing."},
		"url":   {"https://10.0.0.1/x", "The webhook’s URL leads to a private"},
		"email": {"two@example.com, three@example.com", "The e-mail address is not one plain e-mail address."},
	} {
		form := url.Values{}
		for name, values := range good {
			form[name] = values
		}
		form.Set(field, c.value)
		page := owner.post(bulkSettings, form)
		page.says(t, http.StatusBadRequest, c.says, `id="`+field+`-problem"`, `aria-invalid="true" aria-describedby="`+field+`-problem"`, `value="Calls" id="type-Calls" checked`)
		require.Equal(t, 1, strings.Count(page.body, "aria-invalid"), field)
		if field != "name" {
			require.Contains(t, page.body, `value="&lt;i&gt;&#34;Ünïcode&#34;&lt;/i&gt;"`, "what was typed stays")
		}
		nothingInline(t, page.body)
	}
	good.Set("type", "Secrets")
	owner.post(bulkSettings, good).says(t, http.StatusBadRequest, "Choose what to export.")
	daily := owner.post(bulkSettings+"/daily/Calls", url.Values{"enabled": {"on"}, "url": {"ftp://example.com"}, "method": {"GET"}})
	daily.says(t, http.StatusBadRequest, `id="url-problem-Calls"`, `<details id="change-Calls" open>`, `value="ftp://example.com"`, `id="enabled-Calls" checked`, `data-daily="Calls" data-enabled="false"`)
	owner.post(bulkSettings+"/daily/Nothing", nil).says(t, http.StatusNotFound)

	good.Set("type", "Calls")
	away := owner.post(bulkSettings, good) // Temporal is away
	away.says(t, http.StatusServiceUnavailable, "This cannot be done right now.", `&lt;i&gt;&#34;Ünïcode&#34;`)
	require.NotEmpty(t, away.header.Get("Retry-After"))
}

func TestOnlyOwnersAndAdminsReachBulkExportsAndOnlyFromOurPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	job := w.bulkJob("Autumn review", 1)
	deeds := []string{
		bulkSettings, bulkSettings + "/daily/Calls", bulkSettings + "/jobs/" + job.ID + "/delete", bulkSettings + "/files/" + schema.NewDayFileID() + "/delete",
		bulkSettings + "/deliveries/" + uuid.NewString() + "/again",
	}
	member := w.as(w.member)
	seen := member.get(bulkSettings)
	seen.says(t, http.StatusForbidden, "owner or admin")
	for _, word := range []string{"new-job", `id="live"`, "daily", "settings/data-export", "Autumn review", "tabs"} {
		require.NotContains(t, seen.body, word)
	}
	for _, deed := range deeds {
		member.post(deed, nil).says(t, http.StatusForbidden)
		w.nobody().post(deed, nil).says(t, http.StatusUnauthorized, url.QueryEscape(bulkSettings))
		w.as(w.owner).post(deed, nil, "Sec-Fetch-Site", "cross-site").says(t, http.StatusForbidden, "another site")
	}
	w.as(w.admin).get(bulkSettings).says(t, http.StatusOK, "Autumn review")
	stranger := w.as(w.stranger)
	require.NotContains(t, stranger.get(bulkSettings).body, "Autumn review")
	stranger.post(deeds[2], nil).says(t, http.StatusNotFound, "There is no such job.")
	require.NotContains(t, stranger.get(bulkSettings+"?again="+job.ID).body, "Autumn review")
}

func TestHostileNamesOfBulkExportsStayText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const hostile = "\"><script>alert(1)</script>{{.}} \u202egnp.exe <img src=x onerror=alert(1)>"
	job := w.bulkJob(hostile, 1)
	w.bulkEvent(hostile, `https://x.example.com/"><script>alert(2)</script>`)
	file := w.bulkFile(w.account, job.Start)
	w.exec(`update satchel.day_files set friendly_name = $2, job_id = $3 where id = $1`, file, hostile, job.ID)
	w.exec(`insert into satchel.bulk_configurations (account_sid, resource_type, enabled, webhook_url, webhook_method) values ($1, 'Calls', true, $2, 'POST')`, w.account, "https://x/"+hostile)
	for _, path := range []string{bulkSettings, bulkSettings + "/live", bulkSettings + "?again=" + job.ID} {
		page := w.as(w.owner).get(path)
		require.Equal(t, http.StatusOK, page.status)
		require.NotContains(t, page.body, "<script>", path)
		require.NotContains(t, page.body, "<img src=x", path)
		require.Contains(t, page.body, "<bdi>&#34;&gt;&lt;script&gt;alert(1)", "its direction stays its own")
	}
}

func TestAMailedLinkEndsTheNoticesOfOnePersonByOnePost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := "/unsubscribe/" + w.links.Token(schema.ToUnsubscribe, w.admin, 1)
	unsubscribed := func() map[string]bool {
		all, err := w.parts.store.BulkExports().Unsubscribed(t.Context(), []string{w.owner, w.admin})
		require.NoError(t, err)
		return all
	}
	nobody := w.nobody()
	nobody.get(path).says(t, http.StatusOK, `id="unsubscribe"`, `data-unsubscribe="ask"`)
	require.Empty(t, unsubscribed(), "looking changes nothing")
	// As a mail program posts it: no page, no session (RFC 8058).
	for range 2 {
		nobody.do(http.MethodPost, path, strings.NewReader("List-Unsubscribe=One-Click"), "Content-Type", "application/x-www-form-urlencoded").
			says(t, http.StatusOK, `data-unsubscribe="done"`)
	}
	require.Equal(t, map[string]bool{w.admin: true}, unsubscribed(), "and nobody else")
	for _, token := range []string{"AAAA", w.links.Token(schema.ToStop, schema.NewExportID(), 1), w.links.Token(schema.ToUnsubscribe, w.owner, 1)[1:]} {
		nobody.get("/unsubscribe/"+token).says(t, http.StatusNotFound)
		nobody.post("/unsubscribe/"+token, nil).says(t, http.StatusNotFound)
	}
	require.Len(t, unsubscribed(), 1)
}
