package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// ExpiredDays lists day files whose time is over, oldest first.
func (s *Store) ExpiredDays(ctx context.Context, limit int) ([]schema.DayFile, error) {
	list := []schema.DayFile{}
	err := s.db.SelectContext(ctx, &list, `select `+dayFileColumns+` from satchel.day_files
		where expires_at <= clock_timestamp() order by expires_at, id limit $1`, limit)
	return list, sqlstate.Wrap("find expired day files", err)
}

// DestroyDayKey blanks the file's key: from then on its object can not be
// read, wherever copies may be, and it is not listed.
func (s *Store) DestroyDayKey(ctx context.Context, file string) error {
	_, err := s.db.ExecContext(ctx, `update satchel.day_files set wrapped = null where id = $1`, file)
	return sqlstate.Wrap("destroy key of a day file", err)
}

// DestroyExpiredDayKeys blanks the keys of all files whose time is over.
func (s *Store) DestroyExpiredDayKeys(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, `update satchel.day_files set wrapped = null where expires_at <= clock_timestamp() and wrapped is not null`)
	return sqlstate.Wrap("destroy keys of expired day files", err)
}

// DestroyLatestDayKey blanks the key of the file, or of the one that took its
// place when it was made again without what was erased, and answers which it is:
// from then on it is not made again. It answers "" where it is gone, or was
// replaced by one with a time of its own.
func (s *Store) DestroyLatestDayKey(ctx context.Context, f schema.DayFile) (file string, err error) {
	err = s.db.GetContext(ctx, &file, `update satchel.day_files set wrapped = null
		where account_sid = $1 and resource_type = $2 and day = $3 and (id = $4 or expires_at = $5) returning id`,
		f.Account, f.Type, f.Day, f.ID, f.ExpiresAt)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return file, sqlstate.Wrap("destroy key of a day file", err)
}

// DropDay deletes the file's row and writes the certificate of its removal.
// Run again it changes nothing.
func (s *Store) DropDay(ctx context.Context, file, by string, cert schema.Certificate) error {
	return s.inTx(ctx, "drop day file", func(tx *sqlx.Tx) error {
		var account string
		err := tx.GetContext(ctx, &account, `delete from satchel.day_files where id = $1 returning account_sid`, file)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		return audit(ctx, tx, Event{Account: account, Subject: file, Actor: actor(by), Action: Removed, Details: cert})
	})
}

// KnownDays tells which of the files have a row: objects of any other belong
// to nobody.
func (s *Store) KnownDays(ctx context.Context, files []string) (map[string]bool, error) {
	var found []string
	err := s.db.SelectContext(ctx, &found, `select id from satchel.day_files where id = any($1)`, pq.Array(files))
	known := make(map[string]bool, len(found))
	for _, id := range found {
		known[id] = true
	}
	return known, sqlstate.Wrap("find day files", err)
}
