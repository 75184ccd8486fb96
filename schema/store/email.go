package store

import (
	"context"
	"time"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// EmailOutcomes reads the final outcomes of e-mails about a subject by their key:
// true if sent, false if the provider rejected it for good. An e-mail that may
// still be tried has none.
func (db *DB) EmailOutcomes(ctx context.Context, subject string) (map[string]bool, error) {
	var rows []struct {
		Key  string `db:"email_key"`
		Sent bool   `db:"sent"`
	}
	if err := db.pool.SelectContext(ctx, &rows, `select email_key, sent from satchel.emails where subject = $1`, subject); err != nil {
		return nil, sqlstate.Wrap("read e-mail outcomes", err)
	}
	outcomes := make(map[string]bool, len(rows))
	for _, r := range rows {
		outcomes[r.Key] = r.Sent
	}
	return outcomes, nil
}

// RecordEmailOutcome records the final outcome of an e-mail. Run again it changes
// nothing, except that a rejected e-mail can still become sent.
func (db *DB) RecordEmailOutcome(ctx context.Context, subject, key string, sent bool) error {
	_, err := db.pool.ExecContext(ctx, `insert into satchel.emails (subject, email_key, sent) values ($1, $2, $3)
		on conflict (subject, email_key) do update set sent = true where excluded.sent`, subject, key, sent)
	return sqlstate.Wrap("record an e-mail's outcome", err)
}

// OftenNotified returns which people got at least most notices of other exports of the
// account that were cancelled, from within the time before this one was requested until
// now.
func (a *AccountExports) OftenNotified(ctx context.Context, export string, most int, within time.Duration) (map[string]bool, error) {
	return a.oftenNotified(ctx, `select split_part(m.email_key, '/', 2) from satchel.exports e
		join satchel.exports o on o.account_sid = e.account_sid and o.id <> e.id and o.status = $4
			and o.requested_at > e.requested_at - $2 * interval '1 microsecond' - interval '1 day' and o.requested_at <= e.requested_at
		join satchel.emails m on m.subject = o.id and m.sent and m.email_key like 'notice/%'
			and m.at > e.requested_at - $2 * interval '1 microsecond'
		where e.id = $1 group by 1 having count(*) >= $3`, export, within.Microseconds(), most, schema.Cancelled)
}

// OftenNotified returns which people were notified of at least most other jobs of the
// account, from within the time before this one was created until now.
func (b *BulkExports) OftenNotified(ctx context.Context, job string, most int, within time.Duration) (map[string]bool, error) {
	return b.oftenNotified(ctx, `select split_part(m.email_key, '/', 2) from satchel.jobs j
		join satchel.jobs o on o.account_sid = j.account_sid and o.id <> j.id
			and o.created_at > j.created_at - $2 * interval '1 microsecond' - interval '1 day' and o.created_at <= j.created_at
		join satchel.emails m on m.subject = o.id and m.sent and m.email_key like 'job-requested/%'
			and m.at > j.created_at - $2 * interval '1 microsecond'
		where j.id = $1 group by 1 having count(*) >= $3`, job, within.Microseconds(), most)
}

func (db *DB) oftenNotified(ctx context.Context, query string, args ...any) (map[string]bool, error) {
	var list []string
	err := db.pool.SelectContext(ctx, &list, query, args...)
	notified := make(map[string]bool, len(list))
	for _, p := range list {
		notified[p] = true
	}
	return notified, sqlstate.Wrap("read notices", err)
}
