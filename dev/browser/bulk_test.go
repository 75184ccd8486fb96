package browser

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"satchel/dev/demo"
	"satchel/dev/fixture"
	"satchel/schema"
)

const bulkExport = "/settings/bulk-export"

// newBulkAccount creates an account for bulk exports; parent may be "".
func newBulkAccount(t *testing.T, name, parent string) account {
	t.Helper()
	a := shared.Stack(t).NewAccount(t, demo.With{Name: name, Parent: parent, Admin: true, Member: true})
	a.Rename(t, "", "Ada Marlowe", "Bo Marlowe", "Cleo Marlowe")
	return account{a}
}

// fillLatestDays adds records to each of the latest days.
func (c account) fillLatestDays(t *testing.T, r schema.ResourceType, days int, perDay int64) {
	t.Helper()
	last := fixture.Yesterday()
	c.FillDays(t, r, last.Plus(1-days), last, perDay)
}

// fillJobForm fills in the form of a new job; hook may be "".
func (b *tab) fillJobForm(r schema.ResourceType, name string, days int, hook string) {
	b.t.Helper()
	b.click("#type-" + string(r))
	b.setField("#start", string(fixture.Yesterday().Plus(1-days)))
	b.setField("#end", string(fixture.Yesterday()))
	b.setField("#name", name)
	if hook != "" {
		if !b.exists("#notifications[open]") {
			b.click("#show-notifications")
		}
		b.setField("#url", hook)
	}
}

// setField sets the value of a field and fires its events, as typing does.
func (b *tab) setField(selector, text string) {
	b.t.Helper()
	b.waitFor(selector)
	b.do("fill in "+selector, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(() => {
		const field = document.querySelector(%q)
		field.focus()
		field.value = %q
		field.dispatchEvent(new Event('input', {bubbles: true}))
		field.dispatchEvent(new Event('change', {bubbles: true}))
	})()`, selector, text)))
}

// waitForJob waits until the newest job on the page has the state, and returns its ID.
func (b *tab) waitForJob(state string) string {
	b.t.Helper()
	b.waitUntil("a job that is "+state, fmt.Sprintf(`document.querySelector('.job')?.dataset.state === %q`, state))
	return mustEval[string](b, "document.querySelector('.job').dataset.job")
}

// countLines decompresses a file and counts its lines.
func countLines(t *testing.T, file string) (n int) {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	all := bufio.NewScanner(z)
	for all.Scan() {
		n++
	}
	require.NoError(t, all.Err())
	return n
}

func TestBulkExportsByMouse(t *testing.T) {
	c := newBulkAccount(t, "Marlowe & Daughters Bakery", "")
	c.fillLatestDays(t, schema.Calls, 3, 70) // of the five days of the job
	hooks := fixture.NewReceiver(t, nil)

	member := newTab(t)
	member.problems.allowStatus(http.StatusForbidden)
	member.navigate(c.Member.SignInURL)
	member.navigateExpecting(bulkExport, http.StatusForbidden)
	member.waitForText("owner or admin")
	for _, selector := range []string{"#new-job", "#live", "#daily", ".tabs", "form[action*=bulk]"} {
		require.False(t, member.exists(selector), "a member sees who may export, and nothing else: %s", selector)
	}

	owner := newTab(t)
	owner.navigateExpecting(bulkExport, http.StatusUnauthorized)
	owner.signInAs(c)
	owner.waitFor("[data-jobs=none]")
	owner.clickLink("#tab-data-export")
	owner.clickLink("#tab-bulk-export")

	owner.click("#open-Calls")
	owner.click("#enabled-Calls")
	owner.setField("#url-Calls", hooks.URL+"/daily")
	owner.clickLink("#save-Calls")
	owner.waitFor("[data-daily=Calls][data-enabled=true]")
	owner.waitForText("POST " + hooks.URL + "/daily")
	require.True(t, owner.exists("[data-daily=Messages][data-enabled=false]"))

	owner.fillJobForm(schema.Calls, "März & <script>alert(1)</script>", 5, hooks.URL+"/job")
	owner.waitUntil("the days that it takes from the quota", `document.querySelector('#request-summary').textContent === 'This requests 5 days and leaves 361 of today’s 366 days.'`)
	owner.clickLink("#ask-job")
	owner.waitForText("Your job requests 5 days. 361 of today’s 366 days are left.")
	job := owner.waitForJob("done")
	require.Equal(t, "5 days: 3 done, 2 without records", mustEval[string](owner, "document.querySelector('.job .days').getAttribute('aria-label')"))
	require.Equal(t, "März & <script>alert(1)</script>", owner.text("#name-"+job))
	require.Equal(t, "completed", hooks.Await(t, 1)[0].Params.Get("status"))
	owner.waitUntil("the delivery", `document.querySelector('.delivery')?.dataset.status === 'delivered'`)
	require.Equal(t, "361", mustEval[string](owner, "document.querySelector('#quota').dataset.left"))

	require.Equal(t, 3, mustEval[int](owner, "document.querySelectorAll('.day-file').length"))
	owner.clickLink("#show-empty")
	require.Equal(t, 5, mustEval[int](owner, "document.querySelectorAll('.day-file').length"))
	owner.clickLink("#hide-empty")
	file := mustEval[string](owner, fmt.Sprintf("document.querySelector('[data-day=%q]').id", fixture.Yesterday()))
	downloaded := owner.download("#get-" + file)
	require.Equal(t, 70, countLines(t, downloaded))
	require.Equal(t, sum(t, downloaded), mustEval[string](owner, fmt.Sprintf("document.getElementById('sum-%s').textContent", file)))
	owner.click("#more-" + file)
	owner.clickLink("#remove-" + file)
	owner.waitForText("the file is deleted")
	require.False(t, owner.exists("#"+file))
	require.Equal(t, 2, mustEval[int](owner, "document.querySelectorAll('.day-file').length"))
	owner.navigateExpecting(bulkExport+"/files/"+file, http.StatusNotFound)
}

func TestAJobIsCreatedWithoutJavaScript(t *testing.T) {
	c := newBulkAccount(t, "Marlowe & Daughters Bakery", "")
	b := newTab(t)
	b.do("forbid scripts", call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	b.navigateExpecting(bulkExport, http.StatusUnauthorized)
	b.signInAs(c)
	b.waitForText("This requests 7 days and leaves 359 of today’s 366 days.")
	b.setField("#name", "The week")
	b.clickLink("#ask-job")
	b.waitForText("Your job requests 7 days. 359 of today’s 366 days are left.")
	require.Eventually(t, func() bool {
		b.reload()
		return mustEval[string](b, "document.querySelector('.job').dataset.state") == "done"
	}, timeout, 200*time.Millisecond)
	b.setField("#name", "")
	b.do("type spaces", chromedp.Evaluate[chromedp.Void](`document.querySelector('#job-form').noValidate = true`))
	b.problems.allowStatus(http.StatusBadRequest)
	b.clickLink("#ask-job")
	require.Equal(t, "The name is missing.", b.text("#name-problem"))
	require.True(t, b.exists("#name[aria-invalid=true][aria-describedby=name-problem]"))
}

func TestARunningJobIsDeletedAndKeepsItsDoneDays(t *testing.T) {
	c := newBulkAccount(t, "Marlowe & Daughters Bakery", "")
	c.fillLatestDays(t, schema.Messages, 40, 300)
	b := signedInTab(t, c.Owner)
	b.navigate(bulkExport)
	b.fillJobForm(schema.Messages, "Forty days", 40, "")
	b.clickLink("#ask-job")
	resume := pauseAtDay(t, c, 3)
	job := b.waitForJob("running")
	b.waitUntil("some are done", `+document.querySelector('.job').dataset.done > 0`)
	b.pressEnterOn("#delete-" + job) // with the keyboard only
	b.waitUntil("the confirmation stays open", fmt.Sprintf(`document.getElementById('deleting-%s').open`, job))
	b.deleteWhilePaused(func() { b.pressEnterOn("#delete-confirm-" + job) }, resume)
	b.waitForJob("deleted")
	require.True(t, b.exists(".counts [data-status=Completed]"), "completed days stay completed")
	require.True(t, b.exists(".counts [data-status=DeletedByUserRequest]"))
	require.True(t, b.exists(".day-file"))
}

func TestAJobOfAnotherTabAppearsAndTypedTextStays(t *testing.T) {
	c := newBulkAccount(t, "Marlowe & Daughters Bakery", "")
	b := signedInTab(t, c.Owner)
	b.navigate(bulkExport)
	b.setField("#name", "not requested yet")
	b.click("#show-notifications")
	other := signedInTab(t, c.Admin)
	other.navigate(bulkExport)
	other.fillJobForm(schema.Participants, "Of the admin", 10, "")
	other.awaitNavigation(func() { other.pressEnterOn("#ask-job") })
	require.Equal(t, other.waitForJob("done"), b.waitForJob("done"))
	b.waitForText("requested by Bo Marlowe")
	b.waitForText("This requests 7 days and leaves 349 of today’s 366 days.")
	b.waitUntil("the typed text", `document.querySelector('#name').value === 'not requested yet' && document.querySelector('#notifications').open`)
	require.True(t, mustEval[bool](b, `[...document.querySelectorAll('#quota time')].every(time => !time.textContent.includes('UTC'))`))
}

// deleteWhilePaused deletes a job while the worker is paused, and resumes the worker
// once the request was sent, so that the job cannot end before it is deleted.
func (b *tab) deleteWhilePaused(press, resume func()) {
	b.t.Helper()
	b.awaitNavigation(func() {
		press()
		fixture.Pause(b.t, 300*time.Millisecond) // until the server has the request
		resume()
	})
}

// pauseAtDay pauses the worker once that many days of the account's only open job
// have ended.
func pauseAtDay(t *testing.T, c account, days int) (resume func()) {
	t.Helper()
	require.Eventually(t, func() bool {
		var ended int // 0 unless a day is running
		err := shared.Stack(t).DB.QueryRowContext(t.Context(), `select count(d.ended_at) * sign(count(*) filter (where d.status = 'Running')) from satchel.jobs j join satchel.job_days d on d.job_id = j.id
			where j.account_sid = $1 and j.ended_at is null`, c.AccountSID).Scan(&ended)
		return err == nil && ended >= days
	}, timeout, 2*time.Millisecond, "%d days have not ended", days)
	return sync.OnceFunc(pauseWorker(t))
}
