package browser

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/dev/fixture"
	"satchel/schema"
)

// state is a state of the pages and how it is reached. Each state continues from the
// one before.
type state struct {
	name  string
	reach func(t *testing.T, s *stateFixture) *tab
}

// stateFixture is the accounts and tabs of the states.
type stateFixture struct {
	bakery, harbour account // a small account, and one whose export takes a while
	ferry           account // whose rows are updated to reach rare states
	owner           *tab    // of the bakery
	boss            *tab    // of the owner of the harbour
	captain         *tab    // of the owner of the ferry
	export          string  // the latest of the bakery
	mail            string  // URL of the confirmation page in the mail
	resume          func()  // resumes the worker, if it is paused
}

// states lists all states.
var states = []state{
	{"sign-in", func(t *testing.T, _ *stateFixture) *tab {
		b := newTab(t)
		b.navigate("/sign-in")
		return b
	}},
	{"sign-in-needed", func(t *testing.T, _ *stateFixture) *tab {
		b := newTab(t)
		b.navigateExpecting(dataExport, http.StatusUnauthorized)
		return b
	}},
	{"nothing-yet", func(t *testing.T, s *stateFixture) *tab {
		s.bakery = newAccount(t, map[schema.Category]int64{"calls": 400, "contacts": 120})
		s.owner = signedInTab(t, s.bakery.Owner)
		s.owner.navigate(dataExport)
		s.owner.waitForStatus("none")
		return s.owner
	}},
	{"member", func(t *testing.T, s *stateFixture) *tab {
		b := newTab(t)
		b.problems.allowStatus(http.StatusForbidden)
		b.navigate(s.bakery.Member.SignInURL)
		b.navigateExpecting(dataExport, http.StatusForbidden)
		b.waitForText("owner or admin")
		for _, selector := range []string{"#ask", "#export", "#history"} {
			require.False(t, b.exists(selector), "a member sees who may export, and nothing else: %s", selector)
		}
		return b
	}},
	{"pending", func(t *testing.T, s *stateFixture) *tab {
		s.owner.clickLink("#ask")
		s.owner.waitForStatus("pending")
		s.export = s.bakery.awaitRequested(t)
		s.mail = linkIn(t, awaitMail(t, s.export, s.bakery.Owner.Email, "/confirm/"), "/confirm/")
		s.owner.waitForText(s.bakery.Owner.Email)
		s.owner.waitFor("#resend:not([disabled])")
		return s.owner
	}},
	{"mailbox", func(t *testing.T, s *stateFixture) *tab {
		b := newTab(t)
		b.openMail(awaitMail(t, s.export, s.bakery.Owner.Email, "/confirm/"))
		return b
	}},
	{"mailbox-phone", func(t *testing.T, s *stateFixture) *tab {
		b := newTab(t)
		b.openMail(awaitMail(t, s.export, s.bakery.Owner.Email, "/confirm/"))
		b.clickLink(`a[href$="?phone"]`)
		b.waitFor("#mail.phone")
		return b
	}},
	{"mailbox-text", func(t *testing.T, s *stateFixture) *tab {
		b := newTab(t)
		b.openMail(awaitMail(t, s.export, s.bakery.Owner.Email, "/confirm/"))
		b.clickLink(`a[href$="?text"]`)
		b.waitFor("#text")
		return b
	}},
	{"mail-confirmation", func(t *testing.T, s *stateFixture) *tab {
		return mailTab(t, awaitMail(t, s.export, s.bakery.Owner.Email, "/confirm/"))
	}},
	{"mail-notice", func(t *testing.T, s *stateFixture) *tab {
		return mailTab(t, awaitMail(t, s.export, s.bakery.Admin.Email, "/stop/"))
	}},
	{"confirm-signed-out", func(t *testing.T, s *stateFixture) *tab {
		b := newTab(t)
		b.navigate(s.mail)
		b.waitFor(`a[href*="/sign-in"]`)
		require.False(t, b.exists("#confirm"))
		return b
	}},
	{"confirm-other-account", func(t *testing.T, s *stateFixture) *tab {
		s.harbour = newAccount(t, map[schema.Category]int64{"calls": 60_000, "contacts": 6_000, "charges": 4_000, "notifications": 3_000})
		s.boss = signedInTab(t, s.harbour.Owner)
		s.boss.navigateExpecting(s.mail, http.StatusForbidden)
		s.boss.waitForText("another account")
		require.False(t, s.boss.exists("#confirm"))
		return s.boss
	}},
	{"confirm", func(t *testing.T, s *stateFixture) *tab {
		s.owner.navigate(s.mail)
		s.owner.waitFor("#confirm")
		s.owner.waitForText(s.bakery.Name)
		return s.owner
	}},
	{"stop", func(t *testing.T, s *stateFixture) *tab {
		b := signedInTab(t, s.bakery.Admin)
		b.navigate(linkIn(t, awaitMail(t, s.export, s.bakery.Admin.Email, "/stop/"), "/stop/"))
		b.waitFor("#stop")
		return b
	}},
	{"resent-often", func(t *testing.T, s *stateFixture) *tab {
		s.ferry = newAccount(t, nil)
		s.captain = signedInTab(t, s.ferry.Owner)
		s.captain.navigate(dataExport)
		s.captain.clickLink("#ask")
		s.captain.waitForStatus("pending")
		s.ferry.awaitRequested(t)
		for range 3 {
			s.captain.clickLink("#resend:not([disabled])")
		}
		s.captain.waitFor("#resend[disabled]")
		s.captain.waitForText("We have sent an email")
		return s.captain
	}},
	{"unmailable", func(t *testing.T, s *stateFixture) *tab {
		s.ferry.update(t, `update satchel.emails set sent = false where subject in (select id from satchel.exports where account_sid = $1)`)
		s.captain.waitForText("cannot be delivered")
		return s.captain
	}},
	{"starting", func(t *testing.T, s *stateFixture) *tab {
		s.ferry.update(t, `update satchel.exports set status = 'confirmed', confirmed_at = now() where account_sid = $1`)
		s.captain.waitFor(".overall[data-stage=starting]")
		return s.captain
	}},
	{"assembling", func(t *testing.T, s *stateFixture) *tab {
		s.ferry.update(t, `update satchel.categories set status = 'done', records = 1200, bytes = 480000
			where export_id in (select id from satchel.exports where account_sid = $1)`)
		s.ferry.update(t, `update satchel.exports set status = 'processing' where account_sid = $1`)
		s.captain.waitFor(".overall[data-stage=assembling]")
		return s.captain
	}},
	{"pending-late", func(t *testing.T, s *stateFixture) *tab {
		s.ferry.update(t, `update satchel.exports set status = 'pending', confirm_by = now() - interval '1 second' where account_sid = $1`)
		s.captain.waitForText("has expired")
		return s.captain
	}},
	{"completed-late", func(t *testing.T, s *stateFixture) *tab {
		s.resume = pauseWorker(t) // so that the export is not removed
		s.ferry.update(t, `update satchel.exports set status = 'completed', completed_at = now(), expires_at = now() - interval '1 second',
			available_again_at = now() + interval '1 hour', size = 480000, sha256 = repeat('ab', 32) where account_sid = $1`)
		s.captain.waitForText("download period is over")
		return s.captain
	}},
	{"signed-out", func(t *testing.T, s *stateFixture) *tab {
		s.ferry.update(t, `update satchel.exports set status = 'pending', confirm_by = now() + interval '1 day', expires_at = null,
			completed_at = null, available_again_at = null where account_sid = $1`)
		s.resume()
		s.captain.waitFor("#resend")
		s.captain.problems.allowStatus(http.StatusUnauthorized)
		s.captain.problems.allowText("[object Event]", "Response Status Error Code 401")
		second := s.captain.newTab()
		second.navigate(dataExport)
		second.clickLink(`form[action="/sign-out"] button`)
		s.captain.waitFor("#signed-out:not([hidden])")
		return s.captain
	}},
	{"offline", func(t *testing.T, s *stateFixture) *tab {
		b := signedInTab(t, s.ferry.Owner)
		b.navigate(dataExport)
		b.waitForStatus("pending")
		b.setOnline(false)
		b.refocus()
		b.waitFor("#offline:not([hidden])")
		return b
	}},
	{"cancelled", func(t *testing.T, s *stateFixture) *tab {
		s.owner.navigate(dataExport)
		s.owner.clickLink("#cancel")
		s.owner.waitForStatus("cancelled")
		s.owner.waitFor("#ask")
		return s.owner
	}},
	{"confirm-stopped", func(t *testing.T, s *stateFixture) *tab {
		b := signedInTab(t, s.bakery.Owner)
		b.navigateExpecting(s.mail, http.StatusGone)
		return b
	}},
	{"confirm-sent", func(t *testing.T, s *stateFixture) *tab {
		s.boss.navigate(dataExport)
		s.boss.clickLink("#ask")
		export := s.harbour.awaitRequested(t)
		mail := linkIn(t, awaitMail(t, export, s.harbour.Owner.Email, "/confirm/"), "/confirm/")
		s.boss.navigate(mail)
		s.boss.waitFor("#confirm")
		s.resume = pauseWorker(t) // the run has not received the signal yet
		s.boss.clickLink("#confirm")
		s.boss.waitForText("confirmed")
		s.mail = mail
		return s.boss
	}},
	{"processing", func(t *testing.T, s *stateFixture) *tab {
		s.boss.navigate(dataExport)
		s.boss.waitFor("#export")
		s.resume()
		s.resume = pauseHalfWay(t, s.harbour)
		s.boss.waitForStatus("processing")
		s.boss.waitUntil("records were read", `[...document.querySelectorAll('.category')].some(c => +c.dataset.records > 1000)`)
		for mustEval[bool](s.boss, `document.querySelector('.overall').innerText.includes('too early to tell')`) {
			fixture.Pause(t, time.Second)
			s.boss.navigate(dataExport) // the page is not updated while the worker is paused
			s.boss.waitForStatus("processing")
		}
		return s.boss
	}},
	{"confirm-already", func(t *testing.T, s *stateFixture) *tab {
		b := signedInTab(t, s.harbour.Owner)
		b.navigate(s.mail)
		b.waitForText("already confirmed")
		require.False(t, b.exists("#confirm"))
		return b
	}},
	{"cancelling", func(t *testing.T, s *stateFixture) *tab {
		s.boss.click("#cancel")
		s.boss.clickLink("#cancel-confirm")
		s.boss.waitForText("is being cancelled")
		s.boss.reload()
		s.boss.waitForText("is being cancelled")
		s.boss.refocus()
		s.boss.waitUntil("it was rendered again", `performance.getEntriesByType('resource').some(r => r.name.includes('/live?cancelled='))`)
		s.boss.waitForText("is being cancelled")
		require.False(t, s.boss.exists("#cancel"))
		return s.boss
	}},
	{"cancelled-half-way", func(t *testing.T, s *stateFixture) *tab {
		s.resume()
		s.boss.waitForStatus("cancelled")
		return s.boss
	}},
	{"unconfirmed", func(t *testing.T, s *stateFixture) *tab {
		s.export = s.bakery.export(t, schema.Windows{Confirm: time.Second})
		s.mail = linkIn(t, awaitMail(t, s.export, s.bakery.Owner.Email, "/confirm/"), "/confirm/")
		s.bakery.await(t, s.export, schema.Expired)
		s.owner.navigate(dataExport)
		s.owner.waitFor(`#export[data-status=expired][data-reason=unconfirmed]`)
		return s.owner
	}},
	{"mail-lapsed", func(t *testing.T, s *stateFixture) *tab {
		return mailTab(t, awaitMail(t, s.export, s.bakery.Owner.Email, dataExport))
	}},
	{"confirm-lapsed", func(t *testing.T, s *stateFixture) *tab {
		b := signedInTab(t, s.bakery.Owner)
		b.navigateExpecting(s.mail, http.StatusGone)
		b.waitForText("expired")
		return b
	}},
	{"failed", func(t *testing.T, s *stateFixture) *tab {
		s.export = s.bakery.export(t, schema.Windows{Collect: 8 * time.Second})
		withoutTable(t, "platform.campaigns", func() {
			s.bakery.confirm(t, s.export)
			s.bakery.await(t, s.export, schema.Failed)
		})
		s.owner.navigate(dataExport)
		s.owner.waitForStatus("failed")
		s.owner.waitFor(`.failed[data-category=campaigns]`)
		s.owner.waitFor("#ask")
		return s.owner
	}},
	{"mail-failed", func(t *testing.T, s *stateFixture) *tab {
		return mailTab(t, awaitMail(t, s.export, s.bakery.Owner.Email, dataExport))
	}},
	{"window-passed", func(t *testing.T, s *stateFixture) *tab {
		s.export = s.bakery.export(t, schema.Windows{Download: time.Second, Cooldown: time.Second})
		s.bakery.confirm(t, s.export)
		s.bakery.await(t, s.export, schema.Expired)
		s.owner.navigate(dataExport)
		s.owner.waitFor(`#export[data-status=expired][data-reason=window_passed]`)
		s.owner.waitUntil("another export can be requested, without a reload", `document.querySelector('#ask')`)
		return s.owner
	}},
	{"completed", func(t *testing.T, s *stateFixture) *tab {
		s.export = s.bakery.export(t, schema.Windows{})
		s.owner.navigate(dataExport)
		s.owner.waitForStatus("pending")
		s.bakery.confirm(t, s.export)
		s.owner.waitForStatus("completed")
		s.owner.waitFor("#download")
		return s.owner
	}},
	{"confirm-ready", func(t *testing.T, s *stateFixture) *tab {
		s.mail = linkIn(t, awaitMail(t, s.export, s.bakery.Owner.Email, "/confirm/"), "/confirm/")
		b := signedInTab(t, s.bakery.Owner)
		b.navigate(s.mail)
		b.waitFor("#download")
		return b
	}},
	{"stop-too-late", func(t *testing.T, s *stateFixture) *tab {
		b := signedInTab(t, s.bakery.Admin)
		b.navigate(linkIn(t, awaitMail(t, s.export, s.bakery.Admin.Email, "/stop/"), "/stop/"))
		b.waitForText("too late")
		require.False(t, b.exists("#stop"))
		return b
	}},
	{"mail-ready", func(t *testing.T, s *stateFixture) *tab {
		return mailTab(t, awaitMail(t, s.export, s.bakery.Owner.Email, "/download/"))
	}},
	{"records", func(_ *testing.T, s *stateFixture) *tab {
		s.owner.click("#records > summary")
		s.owner.waitFor("#records[open]")
		return s.owner
	}},
	{"trail", func(_ *testing.T, s *stateFixture) *tab {
		s.owner.click("#records > summary")
		s.owner.click("#trail > summary")
		s.owner.waitFor("#trail[open]")
		return s.owner
	}},
	{"away", func(t *testing.T, s *stateFixture) *tab {
		st := shared.Stack(t)
		require.NoError(t, st.S3.Stop())
		s.resume = func() { require.NoError(t, st.S3.Start(t.Context())) }
		b := signedInTab(t, s.bakery.Owner)
		b.navigate(dataExport)
		b.problems.allowStatus(http.StatusServiceUnavailable)
		b.clickLink("#download") // opens a page instead of a download
		b.waitFor(`[data-error="503"]`)
		return b
	}},
	{"deleting", func(_ *testing.T, s *stateFixture) *tab {
		s.resume()
		s.owner.navigate(dataExport)
		s.owner.click("#delete")
		s.owner.waitFor("#deleting[open]")
		return s.owner
	}},
	{"deleted-cooldown", func(t *testing.T, s *stateFixture) *tab {
		s.owner.clickLink("#delete-confirm")
		s.owner.waitFor(`#export[data-status=expired][data-reason=deleted]`)
		s.owner.waitFor("#cooldown")
		require.False(t, s.owner.exists("#ask"))
		require.Equal(t, 4, mustEval[int](s.owner, `document.querySelectorAll('#history tbody tr').length`), "the latest export is not in the list")
		return s.owner
	}},
	{"confirm-over", func(t *testing.T, s *stateFixture) *tab {
		b := signedInTab(t, s.bakery.Owner)
		b.navigateExpecting(s.mail, http.StatusGone)
		b.waitForText("has ended")
		return b
	}},
	{"download-gone", func(t *testing.T, s *stateFixture) *tab {
		b := signedInTab(t, s.bakery.Owner)
		b.navigateExpecting(linkIn(t, awaitMail(t, s.export, s.bakery.Owner.Email, "/download/"), "/download/"), http.StatusGone)
		return b
	}},
	{"not-found", func(t *testing.T, s *stateFixture) *tab {
		b := signedInTab(t, s.bakery.Owner)
		b.navigateExpecting("/confirm/AAAA", http.StatusNotFound)
		return b
	}},
}

// update runs an update on rows of the account.
func (c account) update(t *testing.T, query string) {
	t.Helper()
	_, err := shared.Stack(t).DB.ExecContext(t.Context(), query, c.AccountSID)
	require.NoError(t, err)
}

func TestEveryStateIsAccessibleAndFits(t *testing.T) {
	s := &stateFixture{resume: func() {}}
	for _, state := range states {
		reached := state.reach(t, s)
		reached.checkAppearance(state.name)
	}
}

// checkAppearance checks the page in both colour schemes and at both sizes. Screenshots
// are taken in all four combinations; axe and the width are checked in two, which have
// each scheme and each size.
func (b *tab) checkAppearance(name string) {
	b.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		for _, size := range []string{"desktop", "phone"} {
			checked := (scheme == "light") == (size == "desktop")
			if !checked && *screenshots == "" {
				continue
			}
			b.emulateColours(scheme)
			if size == "phone" {
				b.emulatePhone()
			} else {
				b.emulateDesktop()
			}
			where := name + "-" + scheme + "-" + size
			if checked {
				wide := mustEval[int](b, `document.documentElement.scrollWidth - innerWidth`)
				require.LessOrEqual(b.t, wide, 0, "%s does not fit its window", where)
				b.requireAccessible(where)
			}
			if *screenshots != "" {
				b.screenshot(where, strings.HasSuffix(name, "nothing-yet"))
			}
		}
	}
	b.emulateDesktop()
	b.emulateColours("light")
}

// pauseHalfWay pauses the worker once all categories of the account's export are
// counted and a third of its calls is read.
func pauseHalfWay(t *testing.T, c account) (resume func()) {
	t.Helper()
	require.Eventually(t, func() bool {
		var records, expected, uncounted int64
		err := shared.Stack(t).DB.QueryRowContext(t.Context(), `select p.records, coalesce(p.expected_records, 0),
				(select count(*) from satchel.categories c where c.export_id = e.id and c.expected_records is null)
			from satchel.categories p join satchel.exports e on e.id = p.export_id
			where e.account_sid = $1 and p.category = 'calls' order by e.requested_at desc limit 1`, c.AccountSID).Scan(&records, &expected, &uncounted)
		return err == nil && uncounted == 0 && expected > 0 && records*3 > expected
	}, timeout, 2*time.Millisecond, "a third of the calls was not read")
	return pauseWorker(t)
}

// withoutTable renames a table of the platform while do runs.
func withoutTable(t *testing.T, table string, do func()) {
	t.Helper()
	rename := func(from, to string) {
		_, err := shared.Stack(t).DB.Exec("alter table " + from + " rename to " + to)
		require.NoError(t, err)
	}
	rename(table, "away")
	defer rename("platform.away", table[len("platform."):])
	do()
}
