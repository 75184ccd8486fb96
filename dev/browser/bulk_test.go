package browser

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"satchel/activities/vault"
	"satchel/dev/demo"
	"satchel/schema"
)

const bulkExport = "/settings/bulk-export"

// sealer seals auth tokens with the stack's own keys, so that its worker can
// sign webhooks with them.
func sealer(t *testing.T) demo.Sealer {
	t.Helper()
	stack(t)
	keys, err := vault.OpenKeyset(filepath.Join(stage.dir, "secrets", "keyset.json"))
	require.NoError(t, err)
	return func(account string, token []byte) ([]byte, error) {
		return keys.Seal(context.Background(), token, account, schema.SealedToken)
	}
}

// newFirm is an account that can have bulk exports; parent may be "".
func newFirm(t *testing.T, name, parent string) company {
	t.Helper()
	seal := sealer(t)
	a, err := demo.NewAccount(t.Context(), stack(t).Demo.DatabaseURL, demo.With{Name: name, Parent: parent, Admin: true, Member: true, Seal: seal})
	require.NoError(t, err)
	for i, first := range []string{"Ada", "Bo", "Cleo"} {
		_, err := stage.db.ExecContext(t.Context(), `update platform.users set name = $2 where sid = $1`, a.Users[i].ID, first+" Marlowe")
		require.NoError(t, err)
	}
	a = a.At(stage.Demo.BaseURL)
	return company{a, a.As(schema.Owner), a.As(schema.Admin), a.As(schema.Member)}
}

// fillDays gives the account records on each of its latest days.
func (c company) fillDays(t *testing.T, r schema.ResourceType, days int, perDay int64) {
	t.Helper()
	last := yesterday()
	require.NoError(t, demo.FillDays(t.Context(), stack(t).Demo.DatabaseURL, c.AccountSID, r, last.Plus(1-days), last, perDay))
}

func yesterday() schema.Day { return schema.DayOf(time.Now()).Plus(-1) }

// receiver is where webhooks arrive.
type receiver struct {
	*httptest.Server
	ill   atomic.Bool // whether it answers 500
	heard chan string // statuses that it was told
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{heard: make(chan string, 100)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if r.ill.Load() {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		r.heard <- req.FormValue("status")
	}))
	t.Cleanup(r.Close)
	return r
}

// asksFor fills in the form of a new job as people do; hook may be "".
func (b *tab) asksFor(r schema.ResourceType, name string, days int, hook string) {
	b.t.Helper()
	b.click("#type-" + string(r))
	b.fill("#start", string(yesterday().Plus(1-days)))
	b.fill("#end", string(yesterday()))
	b.fill("#name", name)
	if hook != "" {
		if !b.there("#tell[open]") {
			b.click("#tell-more")
		}
		b.fill("#url", hook)
	}
}

// fill writes into a field what somebody would type.
func (b *tab) fill(selector, text string) {
	b.t.Helper()
	b.untilThere(selector)
	b.do("fill in "+selector, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(() => {
		const field = document.querySelector(%q)
		field.focus()
		field.value = %q
		field.dispatchEvent(new Event('input', {bubbles: true}))
		field.dispatchEvent(new Event('change', {bubbles: true}))
	})()`, selector, text)))
}

// untilJob waits until the newest job on the page stands so, and returns its ID.
func (b *tab) untilJob(state string) string {
	b.t.Helper()
	b.until("a job that is "+state, fmt.Sprintf(`document.querySelector('.job')?.dataset.state === %q`, state))
	return ask[string](b, "document.querySelector('.job').dataset.job")
}

// keeps downloads what a click leads to, and returns the file.
func (b *tab) keeps(selector string) string {
	b.t.Helper()
	dir := b.t.TempDir()
	_, err := chromedp.CallBrowser(b.ctx, cdpbrowser.SetDownloadBehavior, cdpbrowser.SetDownloadBehaviorParams{
		Behavior: cdpbrowser.SetDownloadBehaviorBehaviorAllowAndName, DownloadPath: dir,
		BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID, EventsEnabled: ptr(true),
	})
	require.NoError(b.t, err)
	ctx, cancel := within(b.ctx)
	defer cancel()
	progress := chromedp.BrowserEvents(ctx, cdpbrowser.DownloadProgress)
	b.click(selector)
	for p, err := range progress {
		require.NoError(b.t, err, "nothing arrived")
		require.NotEqual(b.t, cdpbrowser.DownloadProgressStateCanceled, p.State)
		if p.State == cdpbrowser.DownloadProgressStateCompleted {
			return filepath.Join(dir, p.GUID)
		}
	}
	require.FailNow(b.t, "nothing arrived")
	return ""
}

// lines inflates a file and counts its lines.
func lines(t *testing.T, file string) (n int) {
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

func TestFromADailyExportAndAJobToADeletedFileByClicks(t *testing.T) {
	c := newFirm(t, "Marlowe & Daughters Bakery", "")
	c.fillDays(t, schema.Calls, 3, 70) // of five
	hooks := newReceiver(t)

	member := visit(t)
	member.watch.expect(http.StatusForbidden)
	member.navigate(c.member.SignInURL)
	member.refused(bulkExport, http.StatusForbidden)
	member.untilSays("owner or admin")
	for _, hook := range []string{"#new-job", "#live", "#daily", ".tabs", "form[action*=bulk]"} {
		require.False(t, member.there(hook), "a member sees who can do this, and nothing else: %s", hook)
	}

	owner := visit(t)
	owner.refused(bulkExport, http.StatusUnauthorized)
	owner.signInAs(c)
	owner.untilThere("[data-jobs=none]")
	owner.follow("#tab-data-export")
	owner.follow("#tab-bulk-export")

	owner.click("#open-Calls")
	owner.click("#enabled-Calls")
	owner.fill("#url-Calls", hooks.URL+"/daily")
	owner.follow("#save-Calls")
	owner.untilThere("[data-daily=Calls][data-enabled=true]")
	owner.untilSays("POST " + hooks.URL + "/daily")
	require.True(t, owner.there("[data-daily=Messages][data-enabled=false]"))

	owner.asksFor(schema.Calls, "März & <script>alert(1)</script>", 5, hooks.URL+"/job")
	owner.until("what it costs", `document.querySelector('#asks').textContent === 'This asks for 5 days, and leaves 361 of today’s 366.'`)
	owner.follow("#ask-job")
	owner.untilSays("Your job requests 5 days. 361 of today’s 366 days are left.")
	job := owner.untilJob("done")
	require.Equal(t, "5 days: 3 done, 2 without records", ask[string](owner, "document.querySelector('.job .days').getAttribute('aria-label')"))
	require.Equal(t, "März & <script>alert(1)</script>", owner.text("#name-"+job))
	require.Equal(t, "completed", <-hooks.heard)
	owner.until("the delivery", `document.querySelector('.delivery')?.dataset.status === 'delivered'`)
	require.Equal(t, "361", ask[string](owner, "document.querySelector('#quota').dataset.left"))

	require.Equal(t, 5, ask[int](owner, "document.querySelectorAll('.day-file').length"))
	file := ask[string](owner, fmt.Sprintf("document.querySelector('[data-day=%q]').id", yesterday()))
	kept := owner.keeps("#get-" + file)
	require.Equal(t, 70, lines(t, kept))
	require.Equal(t, sum(t, kept), ask[string](owner, fmt.Sprintf("document.getElementById('sum-%s').textContent", file)))
	owner.click("#more-" + file)
	owner.follow("#remove-" + file)
	owner.untilSays("the file is deleted")
	require.False(t, owner.there("#"+file))
	require.Equal(t, 4, ask[int](owner, "document.querySelectorAll('.day-file').length"))
	owner.refused(bulkExport+"/files/"+file, http.StatusNotFound)
}

func TestAJobIsAskedForWithoutJavaScript(t *testing.T) {
	c := newFirm(t, "Marlowe & Daughters Bakery", "")
	b := visit(t)
	b.do("forbid scripts", call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	b.refused(bulkExport, http.StatusUnauthorized)
	b.signInAs(c)
	b.untilSays("This requests 7 days and leaves 359 of today’s 366 days.")
	b.fill("#name", "The week")
	b.follow("#ask-job")
	b.untilSays("Your job requests 7 days. 359 of today’s 366 days are left.")
	require.Eventually(t, func() bool {
		b.reload()
		return ask[string](b, "document.querySelector('.job').dataset.state") == "done"
	}, patience, 200*time.Millisecond)
	b.fill("#name", "")
	b.do("type spaces", chromedp.Evaluate[chromedp.Void](`document.querySelector('#job-form').noValidate = true`))
	b.watch.expect(http.StatusBadRequest)
	b.follow("#ask-job")
	require.Equal(t, "The name is missing.", b.text("#name-problem"))
	require.True(t, b.there("#name[aria-invalid=true][aria-describedby=name-problem]"))
}

func TestARunningJobIsDeletedAndKeepsItsDoneDays(t *testing.T) {
	c := newFirm(t, "Marlowe & Daughters Bakery", "")
	c.fillDays(t, schema.Messages, 40, 300)
	b := signIn(t, c.owner)
	b.navigate(bulkExport)
	b.asksFor(schema.Messages, "Forty days", 40, "")
	b.follow("#ask-job")
	goOn := holdAtDay(t, c, 3)
	job := b.untilJob("running")
	b.until("some are done", `+document.querySelector('.job').dataset.done > 0`)
	b.press("#delete-" + job) // by keyboard alone
	b.until("the question stays open", fmt.Sprintf(`document.getElementById('deleting-%s').open`, job))
	b.deleteHeld(func() { b.press("#delete-confirm-" + job) }, goOn)
	b.untilJob("deleted")
	require.True(t, b.there(".counts [data-status=Completed]"), "what was done stays done")
	require.True(t, b.there(".counts [data-status=DeletedByUserRequest]"))
	require.True(t, b.there(".day-file"))
}

func TestAJobOfAnotherTabIsSeenAndWhatIsBeingTypedStays(t *testing.T) {
	c := newFirm(t, "Marlowe & Daughters Bakery", "")
	b := signIn(t, c.owner)
	b.navigate(bulkExport)
	b.fill("#name", "not asked for yet")
	b.click("#tell-more")
	other := signIn(t, c.admin)
	other.navigate(bulkExport)
	other.asksFor(schema.Participants, "Of the admin", 10, "")
	other.leave(func() { other.press("#ask-job") })
	require.Equal(t, other.untilJob("done"), b.untilJob("done"))
	b.untilSays("requested by Bo Marlowe")
	b.untilSays("This requests 7 days and leaves 349 of today’s 366 days.")
	b.until("what was typed", `document.querySelector('#name').value === 'not asked for yet' && document.querySelector('#tell').open`)
	require.True(t, ask[bool](b, `[...document.querySelectorAll('#quota time')].every(time => !time.textContent.includes('UTC'))`))
}

// deleteHeld deletes a job whose worker is held, and lets it go on when that was
// asked of it: there must be something left to delete.
func (b *tab) deleteHeld(press, goOn func()) {
	b.t.Helper()
	b.leave(func() {
		press()
		pause(b.t, 300*time.Millisecond) // on its way to the server
		goOn()
	})
}

// holdAtDay stops the worker once so many days of the account's only open job
// have ended.
func holdAtDay(t *testing.T, c company, days int) (goOn func()) {
	t.Helper()
	require.Eventually(t, func() bool {
		var ended int // while others run
		err := stage.db.QueryRowContext(t.Context(), `select count(d.ended_at) * sign(count(*) filter (where d.status = 'Running')) from satchel.jobs j join satchel.job_days d on d.job_id = j.id
			where j.account_sid = $1 and j.ended_at is null`, c.AccountSID).Scan(&ended)
		return err == nil && ended >= days
	}, patience, 2*time.Millisecond, "%d days are to end", days)
	return sync.OnceFunc(hold(t))
}
