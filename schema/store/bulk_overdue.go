package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// OverdueJobs lists the IDs of jobs that may have lost their run: they were
// asked for longer than grace ago and have not ended. after is the ID to go on
// behind.
func (s *Store) OverdueJobs(ctx context.Context, grace time.Duration, after string, limit int) ([]string, error) {
	ids := []string{}
	err := s.db.SelectContext(ctx, &ids, `select id from satchel.jobs
		where ended_at is null and created_at < clock_timestamp() - $1 * interval '1 microsecond'
		and id > $2 order by id limit $3`, grace.Microseconds(), after, limit)
	return ids, sqlstate.Wrap("find overdue jobs", err)
}

// UnmailedJobs lists ID and account of jobs of whose end nobody may be writing
// to their address: they ended longer than grace ago, no longer than within,
// were not deleted, and the letter is not settled. after is the ID to go on
// behind.
func (s *Store) UnmailedJobs(ctx context.Context, letter string, grace, within time.Duration, after string, limit int) ([]schema.Job, error) {
	list := []schema.Job{}
	err := s.db.SelectContext(ctx, &list, `select id, account_sid from satchel.jobs
		where ended_at < clock_timestamp() - $1 * interval '1 microsecond' and ended_at > clock_timestamp() - $2 * interval '1 microsecond'
		and email <> '' and deleting_at is null and id > $3
		and not exists (select from satchel.letters where subject = id and letter = $4)
		order by id limit $5`, grace.Microseconds(), within.Microseconds(), after, letter, limit)
	return list, sqlstate.Wrap("find jobs without a mail", err)
}

// PendingEvents lists ID and account of events whose delivery may have lost its
// run: they happened longer than grace ago and are pending. after is the ID to
// go on behind.
func (s *Store) PendingEvents(ctx context.Context, grace time.Duration, after string, limit int) ([]schema.Event, error) {
	list := []schema.Event{}
	err := s.db.SelectContext(ctx, &list, `select id, account_sid from satchel.events
		where status = '`+string(schema.EventPending)+`' and at < clock_timestamp() - $1 * interval '1 microsecond'
		and ($2 = '' or id > nullif($2, '')::uuid) order by id limit $3`, grace.Microseconds(), after, limit)
	return list, sqlstate.Wrap("find pending events", err)
}

// ForgetBulk deletes jobs that ended longer than kept ago, with their days and
// letters; events that are through and as old, with their tries, and those that
// nobody can still be delivering; and quotas of days gone by.
func (s *Store) ForgetBulk(ctx context.Context, kept time.Duration) error {
	return s.inTx(ctx, "forget bulk exports", func(tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, `with forgotten as (
				delete from satchel.jobs where ended_at < clock_timestamp() - $1 * interval '1 microsecond' returning id)
			delete from satchel.letters where subject in (select id from forgotten)`, kept.Microseconds()); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `delete from satchel.events
			where at < clock_timestamp() - $1 * interval '1 microsecond'
			and (status <> $2 or at < clock_timestamp() - $1 * interval '1 microsecond' - interval '2 days')`, kept.Microseconds(), schema.EventPending); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `delete from satchel.bulk_quota where day < (clock_timestamp() at time zone 'UTC')::date`)
		return err
	})
}

// BulkStanding is what the metrics tell of all bulk exports.
type BulkStanding struct {
	Jobs   int64         // that have not ended
	Oldest time.Duration // age of the oldest of them
	Files  int64         // of days
	Bytes  int64         // of them
	Events int64         // still to be delivered
}

// BulkStanding counts jobs, day files and events.
func (s *Store) BulkStanding(ctx context.Context) (BulkStanding, error) {
	var row struct {
		BulkStanding
		Seconds float64 `db:"seconds"`
	}
	err := s.db.GetContext(ctx, &row, `select jobs, seconds, files, bytes, events from
		(select count(*) as jobs, coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0)::float8 as seconds
			from satchel.jobs where ended_at is null) j,
		(select count(*) as files, coalesce(sum(size), 0)::bigint as bytes from satchel.day_files) f,
		(select count(*) as events from satchel.events where status = $1) e`, schema.EventPending)
	row.Oldest = max(0, time.Duration(row.Seconds*float64(time.Second)))
	return row.BulkStanding, sqlstate.Wrap("count bulk exports", err)
}
