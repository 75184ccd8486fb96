package browser

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"satchel/schema"
)

// bulkScene is who acts in the states of bulk exports.
type bulkScene struct {
	bakery, parent company
	owner, boss    *tab
	hooks          *receiver
	job            string
	goOn           func() // the worker, where it is held
}

// bulkStates lists everything there is to see of bulk exports, in the order in
// which an account comes to it.
var bulkStates = []struct {
	name  string
	reach func(t *testing.T, s *bulkScene) *tab
}{
	{"bulk-nothing-yet", func(t *testing.T, s *bulkScene) *tab {
		s.bakery, s.hooks = newFirm(t, "Marlowe & Daughters Bakery", ""), newReceiver(t)
		s.bakery.fillDays(t, schema.Calls, 4, 120)
		s.bakery.fillDays(t, schema.Messages, 60, 150)
		s.owner = signIn(t, s.bakery.owner)
		s.owner.navigate(bulkExport)
		s.owner.untilThere("[data-jobs=none]")
		s.owner.untilThere("[data-files=none]")
		s.owner.untilThere("[data-deliveries=none]")
		return s.owner
	}},
	{"bulk-member", func(t *testing.T, s *bulkScene) *tab {
		b := visit(t)
		b.watch.expect(http.StatusForbidden)
		b.navigate(s.bakery.member.SignInURL)
		b.refused(bulkExport, http.StatusForbidden)
		b.untilSays("owner or admin")
		return b
	}},
	{"bulk-daily-refused", func(_ *testing.T, s *bulkScene) *tab {
		s.owner.click("#open-Calls")
		s.owner.click("#enabled-Calls")
		s.owner.fill("#url-Calls", "https://10.0.0.1/hook")
		s.owner.watch.expect(http.StatusBadRequest)
		s.owner.follow("#save-Calls")
		s.owner.untilThere("#url-Calls[aria-invalid=true]")
		return s.owner
	}},
	{"bulk-daily", func(_ *testing.T, s *bulkScene) *tab {
		s.owner.fill("#url-Calls", "https://hooks.marlowe.example.com/calls")
		s.owner.follow("#save-Calls")
		s.owner.untilThere("[data-daily=Calls][data-enabled=true]")
		return s.owner
	}},
	{"bulk-refused-field", func(_ *testing.T, s *bulkScene) *tab {
		s.owner.asksFor(schema.Messages, "Autumn review", 60, "https://10.0.0.1/hook")
		s.owner.follow("#ask-job")
		s.owner.untilThere("#url[aria-invalid=true]")
		return s.owner
	}},
	{"bulk-running", func(t *testing.T, s *bulkScene) *tab {
		s.owner.fill("#url", s.hooks.URL+"/bulk")
		s.owner.follow("#ask-job")
		s.goOn = holdAtDay(t, s.bakery, 20)
		s.job = s.owner.untilJob("running")
		return s.owner
	}},
	{"bulk-deleting", func(_ *testing.T, s *bulkScene) *tab {
		s.owner.click("#delete-" + s.job)
		s.owner.untilThere("#deleting-" + s.job + "[open]")
		return s.owner
	}},
	{"bulk-deleted", func(_ *testing.T, s *bulkScene) *tab {
		s.owner.deleteHeld(func() { s.owner.click("#delete-confirm-" + s.job) }, s.goOn)
		s.owner.untilJob("deleted")
		return s.owner
	}},
	{"bulk-done", func(t *testing.T, s *bulkScene) *tab {
		s.hooks.ill.Store(true)
		s.owner.asksFor(schema.Calls, "Prüfung der ersten Novemberwoche", 7, s.hooks.URL+"/bulk")
		s.owner.follow("#ask-job")
		s.owner.untilJob("done")
		return s.owner
	}},
	{"bulk-file", func(_ *testing.T, s *bulkScene) *tab {
		file := ask[string](s.owner, "document.querySelector('.day-file').id")
		s.owner.click("#more-" + file)
		s.owner.untilThere("#about-" + file + "[open]")
		return s.owner
	}},
	{"bulk-deliveries", func(t *testing.T, s *bulkScene) *tab {
		s.owner.until("a delivery that did not work", `document.querySelector('.delivery[data-status=pending] [data-outcome]')`)
		s.owner.navigate(bulkExport)
		delivery := ask[string](s.owner, "document.querySelector('.delivery').dataset.delivery")
		s.owner.click("#more-" + delivery)
		s.owner.untilThere(`[id="log-` + delivery + `"][open]`)
		return s.owner
	}},
	{"bulk-delivery-given-up", func(t *testing.T, s *bulkScene) *tab {
		event := ask[string](s.owner, "document.querySelector('.delivery').dataset.delivery")
		_, err := stage.db.ExecContext(t.Context(), `update satchel.events set status = 'failed' where id = $1`, event)
		require.NoError(t, err)
		s.owner.untilThere(".delivery[data-status=failed]")
		s.owner.untilThere(`[id="again-` + event + `"]`)
		return s.owner
	}},
	{"bulk-quota", func(t *testing.T, s *bulkScene) *tab {
		_, err := stage.db.ExecContext(t.Context(), `update satchel.bulk_quota set days = 364 where family_sid = $1`, s.bakery.AccountSID)
		require.NoError(t, err)
		s.owner.navigate(bulkExport)
		s.owner.asksFor(schema.Conferences, "One too many", 3, "")
		s.owner.until("it is told before", `document.querySelector('#asks').textContent === 'This asks for 3 days, and only 2 of today’s 366 are left.'`)
		s.owner.watch.expect(http.StatusTooManyRequests)
		s.owner.follow("#ask-job")
		s.owner.untilThere("#end[aria-invalid=true]")
		require.Equal(t, 1, ask[int](s.owner, `document.querySelectorAll('.problem, .asks[data-state=over]').length`), "it is said once")
		return s.owner
	}},
	{"bulk-subaccounts", func(t *testing.T, s *bulkScene) *tab {
		s.parent = newFirm(t, "Marlowe Group", "")
		for _, name := range []string{"Marlowe North", "Marlowe South"} {
			sub := newFirm(t, name, s.parent.AccountSID)
			b := signIn(t, sub.owner)
			b.navigate(bulkExport)
			if name == "Marlowe North" {
				sub.fillDays(t, schema.Calls, 3, 30)
				b.click("#open-Messages")
				b.click("#enabled-Messages")
				b.follow("#save-Messages")
				b.asksFor(schema.Calls, "Three days", 3, "")
				b.follow("#ask-job")
				b.untilJob("done")
			}
		}
		s.boss = signIn(t, s.parent.owner)
		s.boss.navigate(bulkExport)
		s.boss.until("both", `document.querySelectorAll('[data-subaccount]').length === 2`)
		s.boss.untilSays("366 days with this account: 3 have been requested so far")
		return s.boss
	}},
	{"bulk-year", func(t *testing.T, s *bulkScene) *tab {
		s.boss.asksFor(schema.Messages, "A whole year", 363, "")
		s.boss.follow("#ask-job")
		s.goOn = holdAtDay(t, s.parent, 60)
		s.boss.untilJob("running")
		s.boss.navigate(bulkExport)
		s.boss.untilThere("#ask-job[disabled]")
		s.boss.untilSays("all 366 days of today’s quota are used")
		s.boss.phone()
		require.GreaterOrEqual(t, ask[float64](s.boss, `document.querySelector('.days use').getBoundingClientRect().width`), 14.0, "a day can be seen on a phone")
		return s.boss
	}},
	{"bulk-year-deleted", func(t *testing.T, s *bulkScene) *tab {
		done := ask[int](s.boss, `+document.querySelector('.job').dataset.done`)
		s.boss.phone()
		s.boss.do("look further", chromedp.Evaluate[chromedp.Void](`document.querySelector('.strip').scrollLeft = 200`))
		s.goOn()
		s.boss.until("it went on", fmt.Sprintf(`+document.querySelector('.job').dataset.done > %d`, done))
		require.Equal(t, 200, ask[int](s.boss, `document.querySelector('.strip').scrollLeft`), "what is looked at stays in sight")
		job := s.boss.untilJob("running")
		goOn := hold(t)
		s.boss.click("#delete-" + job)
		s.boss.deleteHeld(func() { s.boss.click("#delete-confirm-" + job) }, goOn)
		s.boss.untilJob("deleted")
		return s.boss
	}},
	{"unsubscribe", func(t *testing.T, s *bulkScene) *tab {
		b := visit(t)
		b.navigate(link(t, letter(t, "", s.bakery.admin.Email, "/unsubscribe/"), "/unsubscribe/"))
		b.untilThere("#unsubscribe")
		s.owner = b
		return b
	}},
	{"unsubscribed", func(_ *testing.T, s *bulkScene) *tab {
		s.owner.follow("#unsubscribe")
		s.owner.untilThere("[data-unsubscribe=done]")
		return s.owner
	}},
}

func TestEveryStateOfBulkExportsIsDrawnWithCareForEverybody(t *testing.T) {
	s := &bulkScene{goOn: func() {}}
	for _, state := range bulkStates {
		reached := state.reach(t, s)
		reached.look(state.name)
	}
}
