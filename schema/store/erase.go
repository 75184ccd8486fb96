package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"

	"satchel/schema"
)

// Erased counts the rows that an erasure deletes or changes, by table.
type Erased map[string]int64

// ErasePerson erases a user from all tables. What the person did stays in the audit
// trail under a random name, the same in every row, which leads back to nobody. Unless
// apply is set, nothing is changed. It is an error if an export or job of the person
// has not ended.
func (db *DB) ErasePerson(ctx context.Context, user string, apply bool) (Erased, error) {
	name := erasedName()
	return db.erase(ctx, apply, AuditEvent{Subject: name, Actor: schema.ActorOperator, Action: ActionPersonErased}, []obstacle{
		{"exports that have not ended", `select count(*) from satchel.exports where requested_by = $1 and status in ` + unendedStatuses},
		{"jobs that have not ended", `select count(*) from satchel.jobs where requested_by = $1 and ended_at is null`},
	}, []erasure{
		{"unsubscribed", `delete from satchel.unsubscribed where user_id = $1`, false},
		{"exports", `update satchel.exports set requested_by = $2 where requested_by = $1`, true},
		{"removals", `update satchel.removals set actor = $2 where actor = $1`, true},
		{"jobs", `update satchel.jobs set requested_by = $2 where requested_by = $1`, true},
		{"emails", `update satchel.emails set email_key = replace(email_key, '/' || $1 || '/', '/' || $2 || '/') where split_part(email_key, '/', 2) = $1`, true},
		{"audit", `update satchel.audit set actor = $2 where actor = $1`, true},
	}, user, name)
}

// EraseAccount deletes all rows of an account, except for its audit trail: that is the
// proof of what was removed, and stays without the IDs of the account, its people and
// its calls. Unless apply is set, nothing is changed. It is an error while there are
// files, or anything that has not ended.
func (db *DB) EraseAccount(ctx context.Context, account string, apply bool) (Erased, error) {
	name := erasedName()
	const exports = `(select id from satchel.exports where account_sid = $1)`
	list := []erasure{
		{"emails", `delete from satchel.emails where subject in (select id from satchel.exports where account_sid = $1 union all select id from satchel.jobs where account_sid = $1)`, false},
	}
	for _, table := range []string{"categories", "pieces", "segments", "removals"} {
		list = append(list, erasure{table, `delete from satchel.` + table + ` where export_id in ` + exports, false})
	}
	for _, table := range []string{"exports", "events", "jobs", "bulk_configurations", "bulk_quota", "erased_calls", "erasure_queue"} {
		list = append(list, erasure{table, `delete from satchel.` + table + ` where account_sid = $1`, false})
	}
	list = append(list, erasure{"audit", `update satchel.audit set account_sid = $2,
		subject = case when action = ` + sqlText(ActionErased) + ` then $2 else subject end,
		actor = case when actor in ` + sqlList([]string{schema.ActorSatchel, schema.ActorOperator, schema.ActorAccount}) + ` then actor else $2 end
		where account_sid = $1`, true})
	return db.erase(ctx, apply, AuditEvent{Account: name, Subject: name, Actor: schema.ActorOperator, Action: ActionAccountErased}, []obstacle{
		{"exports that have not ended, or whose removal is not proven", `select count(*) from satchel.exports e where account_sid = $1 and (status in ` + unendedStatuses + `
			or exists (select from satchel.export_keys where export_id = e.id)
			or exists (select from satchel.removals where export_id = e.id and certified_at is null))`},
		{"exports whose cooldown is not over", `select count(*) from satchel.exports where account_sid = $1 and available_again_at > statement_timestamp()`},
		{"jobs that have not ended", `select count(*) from satchel.jobs where account_sid = $1 and ended_at is null`},
		{"daily exports that are switched on", `select count(*) from satchel.bulk_configurations where account_sid = $1 and enabled`},
		{"webhooks that are not delivered", `select count(*) from satchel.events where account_sid = $1 and status = ` + sqlText(schema.EventPending)},
		{"day files", `select count(*) from satchel.day_files where account_sid = $1`},
		{"erasures of calls that are not settled; they are an hour later, once the sweep has run", `select count(*) from satchel.erased_calls where account_sid = $1
			and ` + sqlText(schema.ErasuresPrefix) + ` || to_char(greatest(at, erase_until - ` + eraseFor + `) at time zone 'UTC', 'YYYYMMDD"T"HH24MISS.US"Z"') >=
				coalesce((select last_key from satchel.erasure_log), '') collate "C"`},
	}, list, account, name)
}

// obstacle counts what must be over before an erasure.
type obstacle struct{ what, query string }

// erasure deletes or changes rows of a table. named is whether its statement has the
// random name as $2.
type erasure struct {
	table, statement string
	named            bool
}

func (db *DB) erase(ctx context.Context, apply bool, proof AuditEvent, obstacles []obstacle, list []erasure, id, name string) (Erased, error) {
	erased, rolledBack := Erased{}, false
	err := db.inTx(ctx, "erase", func(tx *sqlx.Tx) error {
		for _, o := range obstacles {
			var n int64
			if err := tx.GetContext(ctx, &n, o.query, id); err != nil {
				return err
			}
			if n > 0 {
				return schema.Errorf(schema.Conflict, schema.CodeNotOver, "There are %d %s.", n, o.what)
			}
		}
		for _, e := range list {
			args := []any{id}
			if e.named {
				args = append(args, name)
			}
			done, err := tx.ExecContext(ctx, e.statement, args...)
			if err != nil {
				return err
			}
			if erased[e.table], err = done.RowsAffected(); err != nil {
				return err
			}
		}
		if rolledBack = !apply; rolledBack {
			return errors.New("only counted")
		}
		proof.Details = erased
		return audit(ctx, tx, proof)
	})
	if rolledBack {
		err = nil
	}
	return erased, err
}

// erasedName is the name that a person or an account has in the audit trail after it
// was erased.
func erasedName() string {
	random := make([]byte, 8)
	_, _ = rand.Read(random) // it never fails
	return fmt.Sprintf("erased-%s", hex.EncodeToString(random))
}
