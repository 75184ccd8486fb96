package store

import (
	"context"

	"satchel/schema/store/sqlstate"
)

// Letters tells which letters about something need no more trying: true for those
// that are out, false for those that the provider will never take.
func (s *Store) Letters(ctx context.Context, subject string) (map[string]bool, error) {
	var rows []struct {
		Letter string `db:"letter"`
		Sent   bool   `db:"sent"`
	}
	if err := s.db.SelectContext(ctx, &rows, `select letter, sent from satchel.letters where subject = $1`, subject); err != nil {
		return nil, sqlstate.Wrap("read letters", err)
	}
	settled := make(map[string]bool, len(rows))
	for _, r := range rows {
		settled[r.Letter] = r.Sent
	}
	return settled, nil
}

// SettleLetter notes that a letter is out, or that it never will be. Run again
// it changes nothing, except that a letter can be out after all.
func (s *Store) SettleLetter(ctx context.Context, subject, letter string, sent bool) error {
	_, err := s.db.ExecContext(ctx, `insert into satchel.letters (subject, letter, sent) values ($1, $2, $3)
		on conflict (subject, letter) do update set sent = true where excluded.sent`, subject, letter, sent)
	return sqlstate.Wrap("note a letter", err)
}
