package source_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/store/source"
)

// dayReader reads yesterday of a test's account, which ended as many seconds ago as
// the grace says.
type dayReader struct {
	platform
	*source.Platform
	yesterday schema.Day
}

func newDayReader(t *testing.T) dayReader {
	p := newPlatform(t)
	r := dayReader{p, source.NewPlatform(p.db, p.catalog), ""}
	r.yesterday = schema.DayOf(r.now()).Plus(-1)
	return r
}

func (r dayReader) now() (now time.Time) {
	r.Helper()
	require.NoError(r, r.writer.QueryRow(`select clock_timestamp()`).Scan(&now))
	return now
}

// endNow lets the grace of yesterday end now.
func (r dayReader) endNow() {
	r.DayGrace = r.now().Sub(r.yesterday.Plus(1).Begins())
}

// write writes a message of the last second of yesterday.
func (r dayReader) write(to interface {
	Exec(query string, args ...any) (sql.Result, error)
}, sid string) {
	r.Helper()
	_, err := to.Exec(`insert into platform.messages (sid, account_sid, body, status, direction, date_created)
		values ($1, $2, 'late', 'delivered', 'outbound-api', $3)`, sid, r.account, r.yesterday.Plus(1).Begins().Add(-time.Second))
	require.NoError(r, err)
}

// commitInWAL makes what the writer commits part of the WAL at once. The tests'
// Postgres writes it a moment later otherwise, which a grace covers.
func (r dayReader) commitInWAL() {
	r.Helper()
	r.writer.SetMaxOpenConns(1)
	r.exec(`set synchronous_commit = on`)
}

// read returns the number of yesterday's messages, or why they cannot be read yet.
func (r dayReader) read() (records int, why string) {
	r.Helper()
	err := r.ReadDay(r.Context(), schema.Messages, r.account, r.yesterday, nil, func(rows schema.RecordReader) error {
		for {
			_, err := rows.AppendRow(nil)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			records++
		}
	})
	if known, ok := errors.AsType[*schema.Error](err); ok && known.Code == schema.CodeDayNotWhole {
		return 0, known.Message
	}
	require.NoError(r, err)
	return records, ""
}

// becomesWhole waits until yesterday can be read, and returns the number of records.
func (r dayReader) becomesWhole() (records int) {
	r.Helper()
	require.Eventually(r, func() bool {
		var why string
		records, why = r.read()
		return why == ""
	}, 30*time.Second, 20*time.Millisecond)
	return records
}

func TestADayIsNotReadBeforeItsGraceIsOver(t *testing.T) {
	r := newDayReader(t)
	r.endNow()
	r.DayGrace += time.Hour
	_, why := r.read()
	require.Contains(t, why, "the day is read after "+r.yesterday.Plus(1).Begins().Add(r.DayGrace).Format(time.RFC3339))
	r.DayGrace -= time.Hour
	r.becomesWhole()
	_, why = r.day0()
	require.Contains(t, why, "the day is read after", "today has not ended")
}

// day0 reads today.
func (r dayReader) day0() (int, string) {
	r.yesterday = r.yesterday.Plus(1)
	return r.read()
}

func TestADayIsNotReadBeforeTransactionsThatMayHaveBegunBeforeItsEndHaveEnded(t *testing.T) {
	r := newDayReader(t)
	r.endNow()
	tx, err := r.writer.Begin()
	require.NoError(t, err)
	defer tx.Rollback() //nolint:errcheck // it was committed
	r.write(tx, "SM1")
	_, why := r.read()
	require.Contains(t, why, "a transaction that may have begun before the day ended")
	later, err := r.writer.Begin()
	require.NoError(t, err)
	defer later.Rollback() //nolint:errcheck // it is never committed
	r.write(later, "SM2")
	require.NoError(t, tx.Commit())
	require.Equal(t, 1, r.becomesWhole(), "the day is not delayed by later transactions")
}

func TestADayThatEndedLongAgoIsReadWhateverIsRunning(t *testing.T) {
	r := newDayReader(t)
	tx, err := r.writer.Begin()
	require.NoError(t, err)
	defer tx.Rollback() //nolint:errcheck // it is never committed
	r.write(tx, "SM1")
	r.yesterday = r.yesterday.Plus(-1)
	_, why := r.read()
	require.Empty(t, why)
}

func TestADayIsReadFromAStandbyOnceItHasReplayedTheDay(t *testing.T) {
	r := newDayReader(t)
	standby := testservices.Standby(t)
	r.commitInWAL()
	atStandby := standby.URL(strings.TrimPrefix(mustParse(t, r.url).Path, "/"))
	db, admin := openURL(t, atStandby)
	r.Platform = source.NewPlatform(db, r.catalog)
	do := func(statement string) {
		_, err := admin.Exec(statement)
		require.NoError(t, err)
	}

	do(`select pg_wal_replay_pause()`)
	r.write(r.writer, "SM1")
	r.endNow()
	_, why := r.read()
	require.Contains(t, why, "the standby has replayed until ")
	r.write(r.writer, "SM2") // committed after the grace; the standby has received it, and not replayed
	_, why = r.read()
	require.Contains(t, why, "the standby has replayed until ", "replay is paused")
	do(`select pg_wal_replay_resume()`)
	require.NotZero(t, r.becomesWhole(), "what was committed before the grace was over is there")

	r.endNow() // from now on the primary is idle
	require.Equal(t, 2, r.becomesWhole(), "an idle primary delays no day")
}

// A role that may not see the WAL receiver must not take an idle standby for a current one.
func TestADayWaitsForAnIdlePrimaryWhereTheRoleMayNotSeeTheReceiver(t *testing.T) {
	r := newDayReader(t)
	standby := testservices.Standby(t)
	r.commitInWAL()
	database := strings.TrimPrefix(mustParse(t, r.url).Path, "/")
	role := "reader_" + database
	r.exec(`create role ` + role + ` login password 'secret'; grant usage on schema platform to ` + role + `; grant select on all tables in schema platform to ` + role)
	t.Cleanup(func() {
		_, err := r.writer.ExecContext(context.Background(), `drop owned by `+role+`; drop role `+role)
		require.NoError(t, err)
	})
	u := mustParse(t, standby.URL(database))
	u.User = url.UserPassword(role, "secret")
	r.endNow()
	r.write(r.writer, "SM1") // the last before the primary is idle
	_, admin := openURL(t, standby.URL(database))
	require.Eventually(t, func() (caughtUp bool) {
		require.NoError(t, admin.QueryRow(`select exists (select from platform.messages where sid = 'SM1')`).Scan(&caughtUp))
		return caughtUp
	}, 30*time.Second, 20*time.Millisecond)
	db, _ := openURL(t, u.String())
	r.Platform = source.NewPlatform(db, r.catalog)
	r.becomesWholeAfterGrace(t)
	r.endNow()
	_, why := r.read()
	require.Contains(t, why, "the standby has replayed until ")
	r.IgnoreReplay = true
	require.Equal(t, 1, r.becomesWhole(), "the operator says so")
	r.IgnoreReplay = false
	r.write(r.writer, "SM2")
	require.Equal(t, 2, r.becomesWhole())
}

// becomesWholeAfterGrace reads yesterday with the grace that ended before the last
// transaction.
func (r dayReader) becomesWholeAfterGrace(t *testing.T) {
	t.Helper()
	r.DayGrace = 0
	r.becomesWhole()
}

func mustParse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	require.NoError(t, err)
	return u
}
