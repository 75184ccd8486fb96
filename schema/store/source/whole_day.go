package source

import (
	"fmt"
	"sync"
	"time"

	"satchel/schema"
)

// wholeDays tells whether a database has everything that was created on a day. It
// is safe for concurrent use.
type wholeDays struct {
	mu       sync.Mutex
	horizons map[schema.Day]int64 // of days that ended recently; see check
}

// selectProgress selects up to when the database has everything that was
// committed, and the oldest running and the next transaction.
//
// A standby has what it has replayed: up to the time of the last transaction, or of
// the last checkpoint. Both stand still while the primary is idle. Then the WAL
// receiver tells up to when the primary had nothing more to send, if the role may
// see it (pg_read_all_stats). If $1 is false, the clock alone decides.
//
// Transactions at or after a snapshot's xmax may be running, too: age counts how many
// were assigned since.
const selectProgress = `select pg_catalog.pg_is_in_recovery(),
	case when pg_catalog.pg_is_in_recovery() and $1 then greatest(
		pg_catalog.pg_last_xact_replay_timestamp(),
		(select checkpoint_time from pg_catalog.pg_control_checkpoint()),
		(select last_msg_send_time from pg_catalog.pg_stat_wal_receiver
			where pg_catalog.pg_last_wal_replay_lsn() >= latest_end_lsn))
	else pg_catalog.clock_timestamp() end,
	pg_catalog.pg_snapshot_xmin(s)::pg_catalog.text::pg_catalog.int8,
	pg_catalog.pg_snapshot_xmax(s)::pg_catalog.text::pg_catalog.int8 + pg_catalog.age(pg_catalog.pg_snapshot_xmax(s)::pg_catalog.xid)
from pg_catalog.pg_current_snapshot() s`

// settledAfter is how long after its end a day can no longer gain records from a
// transaction that began before the end.
const settledAfter = 24 * time.Hour

// check returns an error with schema.CodeDayNotWhole unless every snapshot that begins from now on has all
// records of the day: the database has what was committed until grace after the
// day's end, and the transactions that were running then have ended. Since Postgres
// does not tell every role when a transaction began, check waits for all that are
// running at the first check after the grace, and not for later ones.
func (w *wholeDays) check(s *Snapshot, day schema.Day, grace time.Duration, askStandby bool) error {
	row, err := s.queryRow(selectProgress, askStandby)
	if err != nil {
		return err
	}
	standby, oldest, next := row[0].(bool), row[2].(int64), row[3].(int64)
	has, known := row[1].(time.Time)
	due := day.Plus(1).Begins().Add(grace)
	switch {
	case !known:
		return notWhole("the standby has replayed nothing since it was started")
	case has.Before(due) && standby && askStandby:
		return notWhole(fmt.Sprintf("the standby has replayed until %s, and the day is read once it has replayed until %s",
			has.UTC().Format(time.RFC3339), due.Format(time.RFC3339)))
	case has.Before(due):
		return notWhole("the day is read after " + due.Format(time.RFC3339))
	case oldest < w.horizon(day, next, has):
		return notWhole("a transaction that may have begun before the day ended is still running")
	}
	return nil
}

// horizon returns the transaction before which all must have ended, or 0 for a day
// that ended long ago.
func (w *wholeDays) horizon(day schema.Day, next int64, now time.Time) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	for d := range w.horizons {
		if now.Sub(d.Plus(1).Begins()) > settledAfter {
			delete(w.horizons, d)
		}
	}
	if now.Sub(day.Plus(1).Begins()) > settledAfter {
		return 0
	}
	if horizon, known := w.horizons[day]; known {
		return horizon
	}
	if w.horizons == nil {
		w.horizons = map[schema.Day]int64{}
	}
	w.horizons[day] = next
	return next
}

func notWhole(why string) error {
	return schema.Errorf(schema.Unavailable, schema.CodeDayNotWhole, "The source database may not have all records of the day yet: %s.", why)
}
