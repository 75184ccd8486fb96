package browser

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

// state is something that people can see, and how it comes about. States
// follow each other: an account's history grows from one to the next.
type state struct {
	name  string
	reach func(t *testing.T, s *scene) *tab
}

// scene is who acts in the states.
type scene struct {
	bakery, harbour company // a small account, and one that takes a while
	ferry           company // one whose rows say what seldom is
	owner           *tab    // of the bakery
	boss            *tab    // owner of the harbour
	captain         *tab    // owner of the ferry
	export          string  // the bakery's latest
	mail            string  // address of the confirmation page in the mail
	goOn            func()  // the worker, where it is held
}

// states lists everything there is to see.
var states = []state{
	{"sign-in", func(t *testing.T, _ *scene) *tab {
		b := visit(t)
		b.navigate("/sign-in")
		return b
	}},
	{"sign-in-needed", func(t *testing.T, _ *scene) *tab {
		b := visit(t)
		b.refused(dataExport, http.StatusUnauthorized)
		return b
	}},
	{"nothing-yet", func(t *testing.T, s *scene) *tab {
		s.bakery = newCompany(t, map[schema.Category]int64{"calls": 400, "contacts": 120})
		s.owner = signIn(t, s.bakery.owner)
		s.owner.navigate(dataExport)
		s.owner.untilStatus("none")
		return s.owner
	}},
	{"member", func(t *testing.T, s *scene) *tab {
		b := visit(t)
		b.watch.expect(http.StatusForbidden)
		b.navigate(s.bakery.member.SignInURL)
		b.refused(dataExport, http.StatusForbidden)
		b.untilSays("owner or admin")
		for _, hook := range []string{"#ask", "#export", "#history"} {
			require.False(t, b.there(hook), "a member sees who can do this, and nothing else: %s", hook)
		}
		return b
	}},
	{"pending", func(t *testing.T, s *scene) *tab {
		s.owner.follow("#ask")
		s.owner.untilStatus("pending")
		s.export = s.bakery.asked(t)
		s.mail = link(t, letter(t, s.export, s.bakery.owner.Email, "/confirm/"), "/confirm/")
		s.owner.untilSays(s.bakery.owner.Email)
		s.owner.untilThere("#resend:not([disabled])")
		return s.owner
	}},
	{"mailbox", func(t *testing.T, s *scene) *tab {
		b := visit(t)
		b.openMail(letter(t, s.export, s.bakery.owner.Email, "/confirm/"))
		return b
	}},
	{"mailbox-phone", func(t *testing.T, s *scene) *tab {
		b := visit(t)
		b.openMail(letter(t, s.export, s.bakery.owner.Email, "/confirm/"))
		b.follow(`a[href$="?phone"]`)
		b.untilThere("#mail.phone")
		return b
	}},
	{"mailbox-text", func(t *testing.T, s *scene) *tab {
		b := visit(t)
		b.openMail(letter(t, s.export, s.bakery.owner.Email, "/confirm/"))
		b.follow(`a[href$="?text"]`)
		b.untilThere("#text")
		return b
	}},
	{"mail-confirmation", func(t *testing.T, s *scene) *tab {
		return asMailed(t, letter(t, s.export, s.bakery.owner.Email, "/confirm/"))
	}},
	{"mail-notice", func(t *testing.T, s *scene) *tab {
		return asMailed(t, letter(t, s.export, s.bakery.admin.Email, "/stop/"))
	}},
	{"confirm-signed-out", func(t *testing.T, s *scene) *tab {
		b := visit(t)
		b.navigate(s.mail)
		b.untilThere(`a[href*="/sign-in"]`)
		require.False(t, b.there("#confirm"))
		return b
	}},
	{"confirm-other-account", func(t *testing.T, s *scene) *tab {
		s.harbour = newCompany(t, map[schema.Category]int64{"calls": 60_000, "contacts": 6_000, "charges": 4_000, "notifications": 3_000})
		s.boss = signIn(t, s.harbour.owner)
		s.boss.refused(s.mail, http.StatusForbidden)
		s.boss.untilSays("another account")
		require.False(t, s.boss.there("#confirm"))
		return s.boss
	}},
	{"confirm", func(t *testing.T, s *scene) *tab {
		s.owner.navigate(s.mail)
		s.owner.untilThere("#confirm")
		s.owner.untilSays(s.bakery.Name)
		return s.owner
	}},
	{"stop", func(t *testing.T, s *scene) *tab {
		b := signIn(t, s.bakery.admin)
		b.navigate(link(t, letter(t, s.export, s.bakery.admin.Email, "/stop/"), "/stop/"))
		b.untilThere("#stop")
		return b
	}},
	{"resent-often", func(t *testing.T, s *scene) *tab {
		s.ferry = newCompany(t, nil)
		s.captain = signIn(t, s.ferry.owner)
		s.captain.navigate(dataExport)
		s.captain.follow("#ask")
		s.captain.untilStatus("pending")
		s.ferry.asked(t)
		for range 3 {
			s.captain.follow("#resend:not([disabled])")
		}
		s.captain.untilThere("#resend[disabled]")
		s.captain.untilSays("We have sent an e-mail")
		return s.captain
	}},
	{"unmailable", func(t *testing.T, s *scene) *tab {
		s.ferry.change(t, `update satchel.letters set sent = false where subject in (select id from satchel.exports where account_sid = $1)`)
		s.captain.untilSays("cannot be delivered")
		return s.captain
	}},
	{"starting", func(t *testing.T, s *scene) *tab {
		s.ferry.change(t, `update satchel.exports set status = 'confirmed', confirmed_at = now() where account_sid = $1`)
		s.captain.untilThere(".overall[data-stage=starting]")
		return s.captain
	}},
	{"assembling", func(t *testing.T, s *scene) *tab {
		s.ferry.change(t, `update satchel.categories set status = 'done', records = 1200, bytes = 480000
			where export_id in (select id from satchel.exports where account_sid = $1)`)
		s.ferry.change(t, `update satchel.exports set status = 'processing' where account_sid = $1`)
		s.captain.untilThere(".overall[data-stage=assembling]")
		return s.captain
	}},
	{"pending-late", func(t *testing.T, s *scene) *tab {
		s.ferry.change(t, `update satchel.exports set status = 'pending', confirm_by = now() - interval '1 second' where account_sid = $1`)
		s.captain.untilSays("has lapsed")
		return s.captain
	}},
	{"completed-late", func(t *testing.T, s *scene) *tab {
		s.goOn = hold(t) // or it would be removed
		s.ferry.change(t, `update satchel.exports set status = 'completed', completed_at = now(), expires_at = now() - interval '1 second',
			available_again_at = now() + interval '1 hour', size = 480000, sha256 = repeat('ab', 32) where account_sid = $1`)
		s.captain.untilSays("is over")
		return s.captain
	}},
	{"signed-out", func(t *testing.T, s *scene) *tab {
		s.ferry.change(t, `update satchel.exports set status = 'pending', confirm_by = now() + interval '1 day', expires_at = null,
			completed_at = null, available_again_at = null where account_sid = $1`)
		s.goOn()
		s.captain.untilThere("#resend")
		s.captain.watch.expect(http.StatusUnauthorized)
		s.captain.watch.excuse("[object Event]", "Response Status Error Code 401")
		elsewhere := s.captain.another()
		elsewhere.navigate(dataExport)
		elsewhere.follow(`form[action="/sign-out"] button`)
		s.captain.untilThere("#signed-out:not([hidden])")
		return s.captain
	}},
	{"offline", func(t *testing.T, s *scene) *tab {
		b := signIn(t, s.ferry.owner)
		b.navigate(dataExport)
		b.untilStatus("pending")
		b.connected(false)
		b.lookAgain()
		b.untilThere("#offline:not([hidden])")
		return b
	}},
	{"cancelled", func(t *testing.T, s *scene) *tab {
		s.owner.navigate(dataExport)
		s.owner.follow("#cancel")
		s.owner.untilStatus("cancelled")
		s.owner.untilThere("#ask")
		return s.owner
	}},
	{"confirm-stopped", func(t *testing.T, s *scene) *tab {
		b := signIn(t, s.bakery.owner)
		b.refused(s.mail, http.StatusGone)
		return b
	}},
	{"confirm-sent", func(t *testing.T, s *scene) *tab {
		s.boss.navigate(dataExport)
		s.boss.follow("#ask")
		export := s.harbour.asked(t)
		mail := link(t, letter(t, export, s.harbour.owner.Email, "/confirm/"), "/confirm/")
		s.boss.navigate(mail)
		s.boss.untilThere("#confirm")
		s.goOn = hold(t) // nobody acts on it yet
		s.boss.follow("#confirm")
		s.boss.untilSays("confirmed")
		s.mail = mail
		return s.boss
	}},
	{"processing", func(t *testing.T, s *scene) *tab {
		s.boss.navigate(dataExport)
		s.boss.untilThere("#export")
		s.goOn()
		s.goOn = holdHalfWay(t, s.harbour)
		s.boss.untilStatus("processing")
		s.boss.until("something was read", `[...document.querySelectorAll('.category')].some(c => +c.dataset.records > 1000)`)
		for ask[bool](s.boss, `document.querySelector('.overall').innerText.includes('too early to tell')`) {
			pause(t, time.Second)
			s.boss.navigate(dataExport) // nothing tells the page, because nothing happens
			s.boss.untilStatus("processing")
		}
		return s.boss
	}},
	{"confirm-already", func(t *testing.T, s *scene) *tab {
		b := signIn(t, s.harbour.owner)
		b.navigate(s.mail)
		b.untilSays("already confirmed")
		require.False(t, b.there("#confirm"))
		return b
	}},
	{"cancelling", func(t *testing.T, s *scene) *tab {
		s.boss.click("#cancel")
		s.boss.follow("#cancel-confirm")
		s.boss.untilSays("is being cancelled")
		s.boss.reload()
		s.boss.untilSays("is being cancelled")
		s.boss.lookAgain()
		s.boss.until("it was drawn anew", `performance.getEntriesByType('resource').some(r => r.name.includes('/live?cancelled='))`)
		s.boss.untilSays("is being cancelled")
		require.False(t, s.boss.there("#cancel"))
		return s.boss
	}},
	{"cancelled-half-way", func(t *testing.T, s *scene) *tab {
		s.goOn()
		s.boss.untilStatus("cancelled")
		return s.boss
	}},
	{"unconfirmed", func(t *testing.T, s *scene) *tab {
		s.export = s.bakery.export(t, schema.Windows{Confirm: time.Second})
		s.mail = link(t, letter(t, s.export, s.bakery.owner.Email, "/confirm/"), "/confirm/")
		s.bakery.await(t, s.export, schema.Expired)
		s.owner.navigate(dataExport)
		s.owner.untilThere(`#export[data-status=expired][data-reason=unconfirmed]`)
		return s.owner
	}},
	{"mail-lapsed", func(t *testing.T, s *scene) *tab {
		return asMailed(t, letter(t, s.export, s.bakery.owner.Email, dataExport))
	}},
	{"confirm-lapsed", func(t *testing.T, s *scene) *tab {
		b := signIn(t, s.bakery.owner)
		b.refused(s.mail, http.StatusGone)
		b.untilSays("lapsed")
		return b
	}},
	{"failed", func(t *testing.T, s *scene) *tab {
		s.export = s.bakery.export(t, schema.Windows{Collect: 8 * time.Second})
		whileAway(t, "platform.campaigns", func() {
			s.bakery.confirm(t, s.export)
			s.bakery.await(t, s.export, schema.Failed)
		})
		s.owner.navigate(dataExport)
		s.owner.untilStatus("failed")
		s.owner.untilThere(`.failed[data-category=campaigns]`)
		s.owner.untilThere("#ask")
		return s.owner
	}},
	{"mail-failed", func(t *testing.T, s *scene) *tab {
		return asMailed(t, letter(t, s.export, s.bakery.owner.Email, dataExport))
	}},
	{"window-passed", func(t *testing.T, s *scene) *tab {
		s.export = s.bakery.export(t, schema.Windows{Download: time.Second, Cooldown: time.Second})
		s.bakery.confirm(t, s.export)
		s.bakery.await(t, s.export, schema.Expired)
		s.owner.navigate(dataExport)
		s.owner.untilThere(`#export[data-status=expired][data-reason=window_passed]`)
		s.owner.until("it can be asked for again, without anybody loading the page", `document.querySelector('#ask')`)
		return s.owner
	}},
	{"completed", func(t *testing.T, s *scene) *tab {
		s.export = s.bakery.export(t, schema.Windows{})
		s.owner.navigate(dataExport)
		s.owner.untilStatus("pending")
		s.bakery.confirm(t, s.export)
		s.owner.untilStatus("completed")
		s.owner.untilThere("#download")
		return s.owner
	}},
	{"confirm-ready", func(t *testing.T, s *scene) *tab {
		s.mail = link(t, letter(t, s.export, s.bakery.owner.Email, "/confirm/"), "/confirm/")
		b := signIn(t, s.bakery.owner)
		b.navigate(s.mail)
		b.untilThere("#download")
		return b
	}},
	{"stop-too-late", func(t *testing.T, s *scene) *tab {
		b := signIn(t, s.bakery.admin)
		b.navigate(link(t, letter(t, s.export, s.bakery.admin.Email, "/stop/"), "/stop/"))
		b.untilSays("too late")
		require.False(t, b.there("#stop"))
		return b
	}},
	{"mail-ready", func(t *testing.T, s *scene) *tab {
		return asMailed(t, letter(t, s.export, s.bakery.owner.Email, "/download/"))
	}},
	{"records", func(_ *testing.T, s *scene) *tab {
		s.owner.click("#records > summary")
		s.owner.untilThere("#records[open]")
		return s.owner
	}},
	{"trail", func(_ *testing.T, s *scene) *tab {
		s.owner.click("#records > summary")
		s.owner.click("#trail > summary")
		s.owner.untilThere("#trail[open]")
		return s.owner
	}},
	{"away", func(t *testing.T, s *scene) *tab {
		st := stack(t)
		require.NoError(t, st.S3.Stop())
		s.goOn = func() { require.NoError(t, st.S3.Start(t.Context())) }
		b := signIn(t, s.bakery.owner)
		b.navigate(dataExport)
		b.watch.expect(http.StatusServiceUnavailable)
		b.follow("#download") // and not a download that failed
		b.untilThere(`[data-error="503"]`)
		return b
	}},
	{"deleting", func(_ *testing.T, s *scene) *tab {
		s.goOn()
		s.owner.navigate(dataExport)
		s.owner.click("#delete")
		s.owner.untilThere("#deleting[open]")
		return s.owner
	}},
	{"deleted-cooldown", func(t *testing.T, s *scene) *tab {
		s.owner.follow("#delete-confirm")
		s.owner.untilThere(`#export[data-status=expired][data-reason=deleted]`)
		s.owner.untilThere("#cooldown")
		require.False(t, s.owner.there("#ask"))
		require.Equal(t, 4, ask[int](s.owner, `document.querySelectorAll('#history tbody tr').length`), "the latest is above")
		return s.owner
	}},
	{"confirm-over", func(t *testing.T, s *scene) *tab {
		b := signIn(t, s.bakery.owner)
		b.refused(s.mail, http.StatusGone)
		b.untilSays("has ended")
		return b
	}},
	{"download-gone", func(t *testing.T, s *scene) *tab {
		b := signIn(t, s.bakery.owner)
		b.refused(link(t, letter(t, s.export, s.bakery.owner.Email, "/download/"), "/download/"), http.StatusGone)
		return b
	}},
	{"not-found", func(t *testing.T, s *scene) *tab {
		b := signIn(t, s.bakery.owner)
		b.refused("/confirm/AAAA", http.StatusNotFound)
		return b
	}},
}

// change makes the company's rows say something.
func (c company) change(t *testing.T, query string) {
	t.Helper()
	_, err := stage.db.ExecContext(t.Context(), query, c.AccountSID)
	require.NoError(t, err)
}

func TestEveryStateIsDrawnWithCareForEverybody(t *testing.T) {
	s := &scene{goOn: func() {}}
	for _, state := range states {
		reached := state.reach(t, s)
		reached.look(state.name)
	}
}

// look looks at the page in both colours and both sizes: all four together for
// pictures, and each of them once for axe and for what does not fit.
func (b *tab) look(name string) {
	b.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		for _, size := range []string{"desktop", "phone"} {
			judged := (scheme == "light") == (size == "desktop")
			if !judged && *screenshots == "" {
				continue
			}
			b.in(scheme)
			if size == "phone" {
				b.phone()
			} else {
				b.desk()
			}
			where := name + "-" + scheme + "-" + size
			if judged {
				wide := ask[int](b, `document.documentElement.scrollWidth - innerWidth`)
				require.LessOrEqual(b.t, wide, 0, "%s does not fit its window", where)
				b.requireAccessible(where)
			}
			if *screenshots != "" {
				b.photograph(where, strings.HasSuffix(name, "nothing-yet"))
			}
		}
	}
	b.desk()
	b.in("light")
}

// holdHalfWay waits until the company's calls are being read and the others are
// counted, and stops the worker in the middle of it.
func holdHalfWay(t *testing.T, c company) (goOn func()) {
	t.Helper()
	require.Eventually(t, func() bool {
		var records, expected, uncounted int64
		err := stage.db.QueryRowContext(t.Context(), `select p.records, coalesce(p.expected_records, 0),
				(select count(*) from satchel.categories c where c.export_id = e.id and c.expected_records is null)
			from satchel.categories p join satchel.exports e on e.id = p.export_id
			where e.account_sid = $1 and p.category = 'calls' order by e.requested_at desc limit 1`, c.AccountSID).Scan(&records, &expected, &uncounted)
		return err == nil && uncounted == 0 && expected > 0 && records*3 > expected
	}, patience, 2*time.Millisecond, "the calls are to be read")
	return hold(t)
}

// whileAway does something while one of the platform's tables cannot be read.
func whileAway(t *testing.T, table string, do func()) {
	t.Helper()
	rename := func(from, to string) {
		_, err := stage.db.Exec("alter table " + from + " rename to " + to)
		require.NoError(t, err)
	}
	rename(table, "away")
	defer rename("platform.away", table[len("platform."):])
	do()
}
