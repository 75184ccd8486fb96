package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// Action is what was done to the subject of an audit row.
type Action string

// The actions that the audit trail holds.
const (
	ActionRequested       Action = "requested"
	ActionResendRequested Action = "mail_lost" // the confirmation e-mail was requested again
	ActionConfirmed       Action = "confirmed"
	ActionDownloaded      Action = "downloaded"
	ActionRemoved         Action = "removed"
	ActionErased          Action = "erased"     // a call, from the archive
	ActionConfigured      Action = "configured" // the daily export of a type, which is the subject
	ActionReconciled      Action = "reconciled" // database, Temporal and bucket differed, as after a restore
	ActionPersonErased    Action = "person_erased"
	ActionAccountErased   Action = "account_erased"
)

// AuditEvent is a row of the audit trail: who did what to which export, job, day
// file, call or daily export. Details hold counts and flags only.
type AuditEvent struct {
	At      time.Time `db:"at"`
	Account string    `db:"account_sid"`
	Subject string    `db:"subject"`
	Actor   string    `db:"actor"`
	Action  Action    `db:"action"`
	Details any       `db:"-"`
}

// Audit adds a row to the audit trail.
func (db *DB) Audit(ctx context.Context, e AuditEvent) error {
	return sqlstate.Wrap("write audit", audit(ctx, db.pool, e))
}

// AuditWithinLimit adds a row to the audit trail, unless the subject has limit rows
// of this action within the window: then it adds nothing and returns how long
// to wait. Concurrent calls cannot exceed the limit.
func (db *DB) AuditWithinLimit(ctx context.Context, e AuditEvent, limit int, window time.Duration) (wait time.Duration, err error) {
	err = db.inTx(ctx, "write audit", func(tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, `select pg_advisory_xact_lock(hashtextextended($1, 0))`, "audit "+e.Subject); err != nil {
			return err
		}
		var microseconds int64
		err := tx.GetContext(ctx, &microseconds, `select ceil(extract(epoch from at - statement_timestamp()) * 1000000)::bigint + $3
			from satchel.audit where subject = $1 and action = $2
			and at > statement_timestamp() - $3 * interval '1 microsecond'
			order by at desc limit 1 offset $4`, e.Subject, e.Action, window.Microseconds(), limit-1)
		if errors.Is(err, sql.ErrNoRows) {
			return audit(ctx, tx, e)
		}
		wait = time.Duration(microseconds) * time.Microsecond
		return err
	})
	return wait, err
}

// AuditDownload adds a row for a download of a whole file. For a part it adds one
// unless the actor has downloaded the file, or a part of it, within a day: a download
// may come in many parts, at once or one after the other.
func (db *DB) AuditDownload(ctx context.Context, e AuditEvent, whole bool) error {
	e.Action = ActionDownloaded
	if whole {
		return db.Audit(ctx, e)
	}
	return db.inTx(ctx, "write audit", func(tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, `select pg_advisory_xact_lock(hashtextextended($1, 0))`, "download "+e.Subject+" "+e.Actor); err != nil {
			return err
		}
		var known bool
		if err := tx.GetContext(ctx, &known, `select exists (select from satchel.audit where subject = $1 and action = $2 and actor = $3
			and at > statement_timestamp() - interval '1 day')`, e.Subject, e.Action, e.Actor); err != nil || known {
			return err
		}
		return audit(ctx, tx, e)
	})
}

func audit(ctx context.Context, db sqlx.ExtContext, e AuditEvent) error {
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

// actor is the actor of an audit row: a user, else the account's own
// credentials.
func actor(user string) string {
	if user == "" {
		return schema.ActorAccount
	}
	return user
}

// AuditEntry is a line of an export's audit trail, with the counts of a removal. All
// downloads by one actor are one line, at the time of the last.
type AuditEntry struct {
	AuditEvent
	Times   int64 `db:"times"`
	Objects int   `db:"objects"` // deleted
	Left    int   `db:"left_over"`
}

// maxTrailLines limits how many lines of downloads are read for all exports
// together, and how many of everything else. The newest are kept.
const maxTrailLines = 5000

// AuditTrails reads the audit trails of an account's exports, each oldest first.
func (db *DB) AuditTrails(ctx context.Context, account string, exports []string) (map[string][]AuditEntry, error) {
	var lines []AuditEntry
	err := db.pool.SelectContext(ctx, &lines, `select at, account_sid, subject, actor, action, times, objects, left_over from (
			(select id, at, account_sid, subject, actor, action, 1 as times,
				coalesce((details->>'objects')::int, 0) as objects, coalesce((details->>'left')::int, 0) as left_over
			from satchel.audit where account_sid = $1 and subject = any($2) and action <> $4
			order by id desc limit $3)
			union all
			(select max(id) as id, max(at) as at, account_sid, subject, actor, action, count(*) as times, 0 as objects, 0 as left_over
			from satchel.audit where account_sid = $1 and subject = any($2) and action = $4
			group by account_sid, subject, actor, action
			order by max(id) desc limit $3)
		) lines order by id`, account, pq.Array(exports), maxTrailLines, ActionDownloaded)
	if err != nil {
		return nil, sqlstate.Wrap("read audit", err)
	}
	trails := make(map[string][]AuditEntry, len(exports))
	for _, l := range lines {
		trails[l.Subject] = append(trails[l.Subject], l)
	}
	return trails, nil
}
