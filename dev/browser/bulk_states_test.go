package browser

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"satchel/dev/fixture"
	"satchel/schema"
)

// bulkFixture is the accounts and tabs of the states of bulk exports.
type bulkFixture struct {
	bakery, parent account
	owner, boss    *tab
	hooks          *fixture.Receiver
	job            string
	resume         func() // resumes the worker, if it is paused
}

// bulkStates lists all states of bulk exports. Each continues from the one before.
var bulkStates = []struct {
	name  string
	reach func(t *testing.T, s *bulkFixture) *tab
}{
	{"bulk-nothing-yet", func(t *testing.T, s *bulkFixture) *tab {
		s.bakery, s.hooks = newBulkAccount(t, "Marlowe & Daughters Bakery", ""), fixture.NewReceiver(t, nil)
		s.bakery.fillLatestDays(t, schema.Calls, 4, 120)
		s.bakery.fillLatestDays(t, schema.Messages, 60, 150)
		s.owner = signedInTab(t, s.bakery.Owner)
		s.owner.navigate(bulkExport)
		s.owner.waitFor("[data-jobs=none]")
		s.owner.waitFor("[data-files=none]")
		s.owner.waitFor("[data-deliveries=none]")
		return s.owner
	}},
	{"bulk-member", func(t *testing.T, s *bulkFixture) *tab {
		b := newTab(t)
		b.problems.allowStatus(http.StatusForbidden)
		b.navigate(s.bakery.Member.SignInURL)
		b.navigateExpecting(bulkExport, http.StatusForbidden)
		b.waitForText("owner or admin")
		return b
	}},
	{"bulk-daily-refused", func(_ *testing.T, s *bulkFixture) *tab {
		s.owner.click("#open-Calls")
		s.owner.click("#enabled-Calls")
		s.owner.setField("#url-Calls", "https://10.0.0.1/hook")
		s.owner.problems.allowStatus(http.StatusBadRequest)
		s.owner.clickLink("#save-Calls")
		s.owner.waitFor("#url-Calls[aria-invalid=true]")
		return s.owner
	}},
	{"bulk-daily", func(_ *testing.T, s *bulkFixture) *tab {
		s.owner.setField("#url-Calls", "https://hooks.marlowe.example.com/calls")
		s.owner.clickLink("#save-Calls")
		s.owner.waitFor("[data-daily=Calls][data-enabled=true]")
		return s.owner
	}},
	{"bulk-refused-field", func(_ *testing.T, s *bulkFixture) *tab {
		s.owner.fillJobForm(schema.Messages, "Autumn review", 60, "https://10.0.0.1/hook")
		s.owner.clickLink("#ask-job")
		s.owner.waitFor("#url[aria-invalid=true]")
		return s.owner
	}},
	{"bulk-running", func(t *testing.T, s *bulkFixture) *tab {
		s.owner.setField("#url", s.hooks.URL+"/bulk")
		s.owner.clickLink("#ask-job")
		s.resume = pauseAtDay(t, s.bakery, 20)
		s.job = s.owner.waitForJob("running")
		return s.owner
	}},
	{"bulk-deleting", func(_ *testing.T, s *bulkFixture) *tab {
		s.owner.click("#delete-" + s.job)
		s.owner.waitFor("#deleting-" + s.job + "[open]")
		return s.owner
	}},
	{"bulk-deleted", func(_ *testing.T, s *bulkFixture) *tab {
		s.owner.deleteWhilePaused(func() { s.owner.click("#delete-confirm-" + s.job) }, s.resume)
		s.owner.waitForJob("deleted")
		return s.owner
	}},
	{"bulk-done", func(t *testing.T, s *bulkFixture) *tab {
		s.hooks.RespondWith(http.StatusInternalServerError)
		s.owner.fillJobForm(schema.Calls, "Prüfung der ersten Novemberwoche", 7, s.hooks.URL+"/bulk")
		s.owner.clickLink("#ask-job")
		s.owner.waitForJob("done")
		return s.owner
	}},
	{"bulk-file", func(_ *testing.T, s *bulkFixture) *tab {
		file := mustEval[string](s.owner, "document.querySelector('.day-file').id")
		s.owner.click("#more-" + file)
		s.owner.waitFor("#about-" + file + "[open]")
		return s.owner
	}},
	{"bulk-deliveries", func(t *testing.T, s *bulkFixture) *tab {
		s.owner.waitUntil("a failed attempt of a delivery", `document.querySelector('.delivery[data-status=pending] [data-outcome]')`)
		s.owner.navigate(bulkExport)
		delivery := mustEval[string](s.owner, "document.querySelector('.delivery').dataset.delivery")
		s.owner.click("#more-" + delivery)
		s.owner.waitFor(`[id="log-` + delivery + `"][open]`)
		return s.owner
	}},
	{"bulk-delivery-given-up", func(t *testing.T, s *bulkFixture) *tab {
		event := mustEval[string](s.owner, "document.querySelector('.delivery').dataset.delivery")
		_, err := shared.Stack(t).DB.ExecContext(t.Context(), `update satchel.events set status = 'failed' where id = $1`, event)
		require.NoError(t, err)
		s.owner.waitFor(".delivery[data-status=failed]")
		s.owner.waitFor(`[id="again-` + event + `"]`)
		return s.owner
	}},
	{"bulk-quota", func(t *testing.T, s *bulkFixture) *tab {
		_, err := shared.Stack(t).DB.ExecContext(t.Context(), `update satchel.bulk_quota set days = 364 where account_sid = $1`, s.bakery.AccountSID)
		require.NoError(t, err)
		s.owner.navigate(bulkExport)
		s.owner.fillJobForm(schema.Conferences, "One too many", 3, "")
		s.owner.waitUntil("the form shows it before it is sent", `document.querySelector('#request-summary').textContent === 'This requests 3 days, but only 2 of today’s 366 days are left.'`)
		s.owner.problems.allowStatus(http.StatusTooManyRequests)
		s.owner.clickLink("#ask-job")
		s.owner.waitFor("#end[aria-invalid=true]")
		require.Equal(t, 1, mustEval[int](s.owner, `document.querySelectorAll('.problem, .request-summary[data-state=over]').length`), "the message is shown once")
		return s.owner
	}},
	{"bulk-subaccounts", func(t *testing.T, s *bulkFixture) *tab {
		s.parent = newBulkAccount(t, "Marlowe Group", "")
		for _, name := range []string{"Marlowe North", "Marlowe South"} {
			sub := newBulkAccount(t, name, s.parent.AccountSID)
			b := signedInTab(t, sub.Owner)
			b.navigate(bulkExport)
			if name == "Marlowe North" {
				sub.fillLatestDays(t, schema.Calls, 3, 30)
				b.click("#open-Messages")
				b.click("#enabled-Messages")
				b.clickLink("#save-Messages")
				b.fillJobForm(schema.Calls, "Three days", 3, "")
				b.clickLink("#ask-job")
				b.waitForJob("done")
			}
		}
		s.boss = signedInTab(t, s.parent.Owner)
		s.boss.navigate(bulkExport)
		s.boss.waitUntil("both subaccounts", `document.querySelectorAll('[data-subaccount]').length === 2`)
		s.boss.waitForText("366 days with this account: 3 have been requested so far")
		return s.boss
	}},
	{"bulk-year", func(t *testing.T, s *bulkFixture) *tab {
		s.boss.fillJobForm(schema.Messages, "A whole year", 363, "")
		s.boss.clickLink("#ask-job")
		s.resume = pauseAtDay(t, s.parent, 60)
		s.boss.waitForJob("running")
		s.boss.navigate(bulkExport)
		s.boss.waitFor("#ask-job[disabled]")
		s.boss.waitForText("all 366 days of today’s quota are used")
		s.boss.emulatePhone()
		require.GreaterOrEqual(t, mustEval[float64](s.boss, `document.querySelector('.days use').getBoundingClientRect().width`), 14.0, "a day can be seen on a phone")
		return s.boss
	}},
	{"bulk-year-deleted", func(t *testing.T, s *bulkFixture) *tab {
		done := mustEval[int](s.boss, `+document.querySelector('.job').dataset.done`)
		s.boss.emulatePhone()
		s.boss.do("scroll the strip", chromedp.Evaluate[chromedp.Void](`document.querySelector('.strip').scrollLeft = 200`))
		s.resume()
		s.boss.waitUntil("the job continued", fmt.Sprintf(`+document.querySelector('.job').dataset.done > %d`, done))
		require.Equal(t, 200, mustEval[int](s.boss, `document.querySelector('.strip').scrollLeft`), "the scroll position is kept")
		job := s.boss.waitForJob("running")
		resume := pauseWorker(t)
		s.boss.click("#delete-" + job)
		s.boss.deleteWhilePaused(func() { s.boss.click("#delete-confirm-" + job) }, resume)
		s.boss.waitForJob("deleted")
		return s.boss
	}},
	{"unsubscribe", func(t *testing.T, s *bulkFixture) *tab {
		b := newTab(t)
		b.navigate(linkIn(t, awaitMail(t, "", s.bakery.Admin.Email, "/unsubscribe/"), "/unsubscribe/"))
		b.waitFor("#unsubscribe")
		s.owner = b
		return b
	}},
	{"unsubscribed", func(_ *testing.T, s *bulkFixture) *tab {
		s.owner.clickLink("#unsubscribe")
		s.owner.waitFor("[data-unsubscribe=done]")
		return s.owner
	}},
}

func TestEveryStateOfBulkExportsIsAccessibleAndFits(t *testing.T) {
	s := &bulkFixture{resume: func() {}}
	for _, state := range bulkStates {
		reached := state.reach(t, s)
		reached.checkAppearance(state.name)
	}
}
