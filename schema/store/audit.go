package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jmoiron/sqlx"

	"satchel/schema/store/sqlstate"
)

// Action is what somebody did to an export, a bulk job, a day file, a call or a
// daily export.
type Action string

// The audit trail knows these deeds.
const (
	Requested   Action = "requested"
	MailLost    Action = "mail_lost" // the confirmation mail is wanted again
	ConfirmedBy Action = "confirmed"
	Downloaded  Action = "downloaded"
	Removed     Action = "removed"
	Erased      Action = "erased"     // a call, from the archive
	Configured  Action = "configured" // what is exported every day of a type, which is the subject
)

// Event is one line of the audit trail. Details hold counts and flags only.
type Event struct {
	At      time.Time `db:"at"`
	Account string    `db:"account_sid"`
	Subject string    `db:"subject"`
	Actor   string    `db:"actor"`
	Action  Action    `db:"action"`
	Details any       `db:"-"`
}

// Audit adds a line to the audit trail.
func (s *Store) Audit(ctx context.Context, e Event) error {
	return sqlstate.Wrap("write audit", audit(ctx, s.db, e))
}

// CountSince counts an action on a subject since the given time ago, by the
// database's clock.
func (s *Store) CountSince(ctx context.Context, subject string, action Action, ago time.Duration) (int, error) {
	var n int
	err := s.db.GetContext(ctx, &n, `select count(*) from satchel.audit
		where subject = $1 and action = $2 and at > clock_timestamp() - $3 * interval '1 microsecond'`,
		subject, action, ago.Microseconds())
	return n, sqlstate.Wrap("count audit", err)
}

// History reads the audit trail of a subject, oldest first.
func (s *Store) History(ctx context.Context, subject string) ([]Event, error) {
	events := []Event{}
	err := s.db.SelectContext(ctx, &events, `select at, account_sid, subject, actor, action
		from satchel.audit where subject = $1 order by id`, subject)
	return events, sqlstate.Wrap("read audit", err)
}

func audit(ctx context.Context, db sqlx.ExtContext, e Event) error {
	details := []byte("{}")
	if e.Details != nil {
		var err error
		if details, err = json.Marshal(e.Details); err != nil {
			return err
		}
	}
	_, err := db.ExecContext(ctx, `insert into satchel.audit (account_sid, subject, actor, action, details)
		values ($1, $2, $3, $4, $5)`, e.Account, e.Subject, e.Actor, e.Action, details)
	return err
}

// actor names who did it: a user, else the account's own credentials.
func actor(user string) string {
	if user == "" {
		return "account"
	}
	return user
}
