package store

import (
	"context"

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
