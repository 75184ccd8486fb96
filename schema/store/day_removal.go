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

// ExpiredDayFiles lists day files that have expired, oldest first.
func (b *BulkExports) ExpiredDayFiles(ctx context.Context, limit int) ([]schema.DayFile, error) {
	list := []schema.DayFile{}
	err := b.pool.SelectContext(ctx, &list, `select `+dayFileColumns+` from satchel.day_files
		where expires_at <= statement_timestamp() order by expires_at, id limit $1`, limit)
	return list, sqlstate.Wrap("find expired day files", err)
}

// DestroyDayKey deletes the file's key: from then on its object cannot be read,
// wherever copies may be, and it is not listed.
func (b *BulkExports) DestroyDayKey(ctx context.Context, file string) error {
	_, err := b.pool.ExecContext(ctx, `update satchel.day_files set wrapped = null where id = $1`, file)
	return sqlstate.Wrap("destroy key of a day file", err)
}

// DestroyExpiredDayKeys deletes the keys of all expired files.
func (b *BulkExports) DestroyExpiredDayKeys(ctx context.Context) error {
	_, err := b.pool.ExecContext(ctx, `update satchel.day_files set wrapped = null where expires_at <= statement_timestamp() and wrapped is not null`)
	return sqlstate.Wrap("destroy keys of expired day files", err)
}

// DestroyLatestDayKey deletes the key of the file, or of its latest rebuild, and
// returns the ID of that: from then on it is not rebuilt. It returns "" if it is
// gone, or was replaced by a file with an expiry of its own.
func (b *BulkExports) DestroyLatestDayKey(ctx context.Context, f schema.DayFile) (file string, err error) {
	err = b.pool.GetContext(ctx, &file, `update satchel.day_files set wrapped = null
		where account_sid = $1 and resource_type = $2 and day = $3 and (id = $4 or expires_at = $5) returning id`,
		f.Account, f.Type, f.Day, f.ID, f.ExpiresAt)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return file, sqlstate.Wrap("destroy key of a day file", err)
}

// DeleteDayRow deletes the file's row and writes the certificate of its removal.
// Run again it changes nothing.
func (b *BulkExports) DeleteDayRow(ctx context.Context, file, by string, cert schema.Certificate) error {
	return b.inTx(ctx, "delete day file", func(tx *sqlx.Tx) error {
		var account string
		err := tx.GetContext(ctx, &account, `delete from satchel.day_files where id = $1 returning account_sid`, file)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		return audit(ctx, tx, AuditEvent{Account: account, Subject: file, Actor: actor(by), Action: ActionRemoved, Details: cert})
	})
}

// ExistingDayFiles returns which of the files have a row. Objects of any other are
// orphans.
func (b *BulkExports) ExistingDayFiles(ctx context.Context, files []string) (map[string]bool, error) {
	var found []string
	err := b.pool.SelectContext(ctx, &found, `select id from satchel.day_files where id = any($1)`, pq.Array(files))
	known := make(map[string]bool, len(found))
	for _, id := range found {
		known[id] = true
	}
	return known, sqlstate.Wrap("find day files", err)
}
