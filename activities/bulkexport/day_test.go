package bulkexport_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"satchel/activities"
	"satchel/activities/bulkexport"
	"satchel/dev/demo"
	"satchel/schema"
	"satchel/schema/catalog"
	"satchel/schema/store/source"
)

const someDay schema.Day = "2026-03-01"

// newDayFixture has messages, and calls of today and long ago, on someDay.
func newDayFixture(t *testing.T) *fixture {
	r := newFixtureWithBucket(t, demo.With{})
	queries, err := catalog.Embedded()
	require.NoError(t, err)
	archive, err := source.OpenArchive(r.url, queries.EraseCalls(), 2)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, archive.Close()) })
	r.Archive = archive
	r.exec(`insert into platform.messages (sid, account_sid, body, status, direction, date_created)
		select 'SM' || md5($1 || n), $1, 'message ' || n || E' \n "quoted" ' || chr(8232), 'delivered', 'outbound-api',
			timestamptz '2026-03-01 00:00:00+00' + n * interval '1 minute'
		from generate_series(0, 1499) n`, r.account.AccountSID) // 1,440 of them on that day
	for i, table := range []string{"calls", "calls_archive"} {
		r.exec(`insert into platform.`+table+` (id, sid, account_sid, direction, status, date_created, from_number)
			overriding system value select n + $3 * 1000, 'CA' || md5($1 || $2 || n), $1, 'inbound', 'completed',
				timestamptz '2026-03-01 12:00:00+00' + n * interval '1 second', '+1555'
			from generate_series(1, 5) n`, r.account.AccountSID, table, i)
	}
	return r
}

func (r *fixture) writeDay(in bulkexport.WriteDayInput) bulkexport.WriteDayResult {
	r.t.Helper()
	var written bulkexport.WriteDayResult
	require.NoError(r.t, r.tryDay(in, &written))
	return written
}

func (r *fixture) tryDay(in bulkexport.WriteDayInput, written any) error {
	in.Account, in.Limits = r.account.AccountSID, in.Limits.WithDefaults()
	if in.Day == "" {
		in.Day = someDay
	}
	if in.Job == "" && !in.Rebuild {
		enabled := true
		_, err := r.store.Configure(r.t.Context(), in.Account, in.Type, "", schema.BulkChange{Enabled: &enabled})
		require.NoError(r.t, err)
	}
	return r.get(written, r.WriteDay, in)
}

func (r *fixture) openJob(from, to schema.Day) string {
	r.t.Helper()
	id := schema.NewJobID()
	request, err := json.Marshal(schema.JobRequest{Name: "some job"})
	require.NoError(r.t, err)
	sealed, err := r.vault.Seal(r.t.Context(), request, r.account.AccountSID, schema.SealedJob(id))
	require.NoError(r.t, err)
	var rejection bulkexport.Rejection
	require.NoError(r.t, r.get(&rejection, r.OpenJob, bulkexport.OpenJobInput{
		Job: id, Account: r.account.AccountSID, QuotaAccount: r.account.AccountSID, Type: schema.Messages, Start: from, End: to, Sealed: sealed, QuotaDays: 366,
	}))
	require.NoError(r.t, rejection.Err())
	return id
}

// gzipOf reads a day file as its downloader does.
func (r *fixture) gzipOf(t schema.ResourceType, day schema.Day) (schema.DayFile, []byte) {
	r.t.Helper()
	ctx := r.t.Context()
	f, err := r.store.DayFile(ctx, r.account.AccountSID, t, day)
	require.NoError(r.t, err)
	_, wrapped, err := r.store.OpenDayFile(ctx, f.ID)
	require.NoError(r.t, err)
	id, err := r.vault.Unwrap(ctx, wrapped, r.account.AccountSID, f.ID)
	require.NoError(r.t, err)
	content, err := r.vault.Get(ctx, schema.DayFileObject(f.ID), id, nil)
	require.NoError(r.t, err)
	require.EqualValues(r.t, len(content), f.Size)
	sum := sha256.Sum256(content)
	require.Equal(r.t, hex.EncodeToString(sum[:]), f.SHA256)
	return f, content
}

func (r *fixture) lines(t schema.ResourceType, day schema.Day) (sids []string) {
	r.t.Helper()
	f, content := r.gzipOf(t, day)
	unzip, err := gzip.NewReader(bytes.NewReader(content))
	require.NoError(r.t, err)
	lines := bufio.NewScanner(unzip)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var record struct {
			SID string `json:"sid"`
		}
		require.NoError(r.t, json.Unmarshal(lines.Bytes(), &record))
		sids = append(sids, record.SID)
	}
	require.NoError(r.t, lines.Err())
	require.EqualValues(r.t, len(sids), f.Records)
	return sids
}

func (r *fixture) dayObjects() (files []string) {
	r.t.Helper()
	for f, err := range r.vault.Folders(r.t.Context(), schema.DayFilesPrefix) {
		require.NoError(r.t, err)
		files = append(files, f)
	}
	return files
}

func TestADayFileHoldsTheDaysRecordsAndReplacesTheOneBefore(t *testing.T) {
	r := newDayFixture(t)
	require.Equal(t, bulkexport.WriteDayResult{Status: schema.DayCompleted, Records: 1440}, r.writeDay(bulkexport.WriteDayInput{Type: schema.Messages}))
	first, content := r.gzipOf(schema.Messages, someDay)
	require.Len(t, r.lines(schema.Messages, someDay), 1440)
	require.Len(t, r.dayObjects(), 1)

	r.writeDay(bulkexport.WriteDayInput{Type: schema.Messages})
	second, again := r.gzipOf(schema.Messages, someDay)
	require.NotEqual(t, first.ID, second.ID)
	require.Equal(t, content, again, "the same records give the same bytes")
	require.Equal(t, []string{second.ID}, r.dayObjects(), "nothing is left of the first")
}

func TestAnEmptyDayIsAValidFileOfNothing(t *testing.T) {
	r := newDayFixture(t)
	job := r.openJob("2020-01-01", "2020-01-01")
	written := r.writeDay(bulkexport.WriteDayInput{Type: schema.Messages, Day: "2020-01-01", Job: job})
	require.Equal(t, schema.DayCompletedEmpty, written.Status)
	require.Empty(t, r.lines(schema.Messages, "2020-01-01"))
	_, content := r.gzipOf(schema.Messages, "2020-01-01")
	require.Less(t, len(content), 40)
	got, err := r.store.Job(t.Context(), job)
	require.NoError(t, err)
	require.Equal(t, schema.DayCompletedEmpty, got.Days[0].Status)
}

func TestADayOfAStoppedJobLeavesNothing(t *testing.T) {
	r := newDayFixture(t)
	job := r.openJob(someDay, someDay)
	r.Source = sourceWithHook{r.Source, func() { // the job is deleted while the day is read
		var rejection bulkexport.Rejection
		require.NoError(t, r.get(&rejection, r.StopJob, bulkexport.StopJobInput{Job: job, By: "US-by"}))
	}}
	require.Equal(t, schema.DayDeleted, r.writeDay(bulkexport.WriteDayInput{Type: schema.Messages, Job: job}).Status)
	require.Empty(t, r.dayObjects())
	var end bulkexport.EndJobResult
	require.NoError(t, r.get(&end, r.EndJob, bulkexport.EndJobInput{Job: job}))
	require.Zero(t, end, "there are no notifications of a deleted job")
	got, err := r.store.Job(t.Context(), job)
	require.NoError(t, err)
	require.Equal(t, schema.DayDeleted, got.Days[0].Status)
}

func TestADayThatIsNotWholeLeavesNothingAndSaysWhatItWaitsFor(t *testing.T) {
	r := newDayFixture(t)
	today, err := r.store.Now(t.Context())
	require.NoError(t, err)
	day := schema.DayOf(today)
	job := r.openJob(day, day)
	written := r.writeDay(bulkexport.WriteDayInput{Type: schema.Messages, Day: day, Job: job})
	require.Contains(t, written.Waits, "The source database may not have all records of the day yet: the day is read after ")
	require.Empty(t, written.Status)
	require.Empty(t, r.dayObjects())
	_, err = r.store.DayFile(t.Context(), r.account.AccountSID, schema.Messages, day)
	require.Equal(t, schema.NotFound, schema.KindOf(err))
	got, err := r.store.Job(t.Context(), job)
	require.NoError(t, err)
	require.Equal(t, schema.DayRunning, got.Days[0].Status, "it has not failed")
}

// sourceWithHook does something while a day is read.
type sourceWithHook struct {
	bulkexport.Source
	during func()
}

func (m sourceWithHook) ReadDay(ctx context.Context, t schema.ResourceType, account string, day schema.Day, erased []string, do func(schema.RecordReader) error) error {
	return m.Source.ReadDay(ctx, t, account, day, erased, func(rows schema.RecordReader) error {
		m.during()
		return do(rows)
	})
}

func (r *fixture) erase(calls ...schema.Erasure) {
	r.t.Helper()
	var rejection bulkexport.Rejection
	require.NoError(r.t, r.tryErase(&rejection, calls...))
	require.NoError(r.t, rejection.Err())
}

func (r *fixture) tryErase(rejection *bulkexport.Rejection, calls ...schema.Erasure) error {
	return r.get(rejection, r.EraseCalls, bulkexport.EraseCallsInput{Account: r.account.AccountSID, By: "US-by", Calls: calls})
}

func aCall(n int) schema.Erasure {
	return schema.Erasure{Call: fmt.Sprintf("CA%032x", n), Day: someDay}
}

func TestAFileIsRebuiltOnceForEachErasureAndNotForOneThatIsKnown(t *testing.T) {
	r := newDayFixture(t)
	r.erase(aCall(1))
	require.Empty(t, r.rebuilt, "there is no file")
	r.writeDay(bulkexport.WriteDayInput{Type: schema.Calls})
	r.erase(aCall(2), aCall(3))
	require.Equal(t, []schema.Day{someDay}, r.rebuilt)
	require.Equal(t, 1, r.sweepBulk().Rebuilds, "its run may be lost")
	require.Len(t, r.rebuilt, 2)
	r.writeDay(bulkexport.WriteDayInput{Type: schema.Calls, Rebuild: true})
	f, _ := r.gzipOf(schema.Calls, someDay)
	r.erase(aCall(2))
	require.Zero(t, r.sweepBulk())
	require.Len(t, r.rebuilt, 2)
	require.Equal(t, schema.DayDeleted, r.writeDay(bulkexport.WriteDayInput{Type: schema.Calls, Rebuild: true}).Status)
	same, _ := r.gzipOf(schema.Calls, someDay)
	require.Equal(t, f, same, "links to it are good")
}

// awayArchive rejects every call.
type awayArchive struct{}

func (awayArchive) EraseCalls(context.Context, string, []string) error { return io.ErrUnexpectedEOF }

func TestAnErasureThatTheArchiveRejectsStillRequestsTheRebuild(t *testing.T) {
	r := newDayFixture(t)
	r.writeDay(bulkexport.WriteDayInput{Type: schema.Calls})
	r.Archive = awayArchive{}
	require.Error(t, r.tryErase(new(bulkexport.Rejection), aCall(1)), "it is not gone everywhere")
	require.Equal(t, []schema.Day{someDay}, r.rebuilt)
}

func (r *fixture) found(table, sid string) (n int) {
	r.t.Helper()
	require.NoError(r.t, r.store.SQL().QueryRow(`select count(*) from platform.`+table+` where sid = $1`, sid).Scan(&n))
	return n
}

// archiveCall does as the platform does with its record of an old call.
func (r *fixture) archiveCall(sid string) {
	r.exec(`with moved as (delete from platform.calls where sid = $1 returning *) insert into platform.calls_archive select * from moved`, sid)
	require.Equal(r.t, 1, r.found("calls_archive", sid))
}

func TestAnErasedCallThatThePlatformArchivesLaterIsErasedThere(t *testing.T) {
	r := newDayFixture(t)
	day := schema.DayOf(time.Now()).Plus(-1)
	call := aCall(1).Call
	r.exec(`insert into platform.calls (id, sid, account_sid, direction, status, date_created, from_number)
		overriding system value values (77, $1, $2, 'inbound', 'completed', $3, '+1555')`, call, r.account.AccountSID, day.Begins())
	r.erase(schema.Erasure{Call: call, Day: day})
	r.sweepBulk()
	require.Equal(t, 1, r.found("calls", call), "the operational record stays")

	r.archiveCall(call)
	r.sweepBulk()
	require.Equal(t, 1, r.found("calls_archive", call), "each is looked for once a day")
	aDayLater := func() {
		r.exec(`update satchel.erased_calls set erase_again_at = erase_again_at - interval '25 hours'`)
		r.exec(`update satchel.erasure_queue set due_at = due_at - interval '25 hours'`)
	}
	aDayLater()
	archive := r.Archive
	r.Archive = nil
	r.sweepBulk()
	require.Equal(t, 1, r.found("calls_archive", call), "no archive is configured")
	r.Archive = archive
	r.sweepBulk()
	require.Zero(t, r.found("calls_archive", call))

	due := func() (at *time.Time) {
		require.NoError(t, r.store.SQL().QueryRow(`select erase_again_at from satchel.erased_calls where call_sid = $1`, call).Scan(&at))
		return at
	}
	require.NotNil(t, due())
	r.exec(`update satchel.erased_calls set day = day - 450`)
	aDayLater()
	r.sweepBulk()
	require.NotNil(t, due(), "the age of the call does not matter: its archiving can be late")
	r.exec(`update satchel.erased_calls set erase_until = erase_until - interval '14 months'`)
	aDayLater()
	require.NoError(t, r.run(r.EraseArchivedCalls))
	require.Nil(t, due(), "the erasure is so old that the call was moved long ago")
	r.erase(schema.Erasure{Call: call, Day: day})
	r.sweepBulk()
	require.NotNil(t, due(), "a repeated request counts anew")
}

func TestAnErasedCallOfLongAgoThatIsArchivedLaterIsErasedAgain(t *testing.T) {
	r := newDayFixture(t)
	const day schema.Day = "2024-02-29"
	call := aCall(1).Call
	r.exec(`insert into platform.calls (id, sid, account_sid, direction, status, date_created, from_number)
		overriding system value values (77, $1, $2, 'inbound', 'completed', $3, '+1555')`, call, r.account.AccountSID, day.Begins())
	r.erase(schema.Erasure{Call: call, Day: day})
	r.sweepBulk()
	r.archiveCall(call)
	r.exec(`update satchel.erased_calls set erase_again_at = erase_again_at - interval '25 hours'`)
	r.exec(`update satchel.erasure_queue set due_at = due_at - interval '25 hours'`)
	r.sweepBulk()
	require.Zero(t, r.found("calls_archive", call))
}

// archiveOf rejects the calls of one account, and remembers those of others.
type archiveOf struct {
	away   string
	asked  int
	erased map[string]int
}

func (a *archiveOf) EraseCalls(_ context.Context, account string, calls []string) error {
	if account == a.away {
		a.asked++
		return io.ErrUnexpectedEOF
	}
	a.erased[account] += len(calls)
	return nil
}

func TestErasuresOfAnAccountThatFailDelayNoOtherAccount(t *testing.T) {
	r := newFixture(t, demo.With{})
	archive := &archiveOf{away: schema.NewAccountID(), erased: map[string]int{}}
	r.Archive = archive
	r.exec(`insert into satchel.erased_calls (account_sid, call_sid, day, erase_again_at)
		select $1, 'CA' || n, '2026-03-01', now() - interval '1 hour' from generate_series(1, 6000) n`, archive.away)
	r.exec(`insert into satchel.erasure_queue values ($1, now() - interval '1 hour')`, archive.away)
	other := schema.NewAccountID()
	_, err := r.store.EraseCalls(t.Context(), schema.ErasureRecord{Account: other, Calls: []schema.Erasure{aCall(1), aCall(2)}})
	require.NoError(t, err)
	r.exec(`insert into satchel.erased_calls (account_sid, call_sid, day) select $1, 'CB' || n, '2026-03-01' from generate_series(1, 1200) n`, other)
	require.Error(t, r.run(r.EraseArchivedCalls), "so that operators see it")
	require.Equal(t, 1, archive.asked, "it is tried again by a later sweep")
	require.Equal(t, map[string]int{other: 1202}, archive.erased)

	require.NoError(t, r.run(r.EraseArchivedCalls), "not at once")
	r.exec(`update satchel.erasure_queue set due_at = due_at - interval '11 minutes'`)
	failed := archive.away
	archive.away, archive.erased = "", map[string]int{}
	require.NoError(t, r.run(r.EraseArchivedCalls))
	require.Equal(t, map[string]int{failed: 6000}, archive.erased)
}

func TestErasuresSurviveARestoreOfTheDatabase(t *testing.T) {
	r := newDayFixture(t)
	r.writeDay(bulkexport.WriteDayInput{Type: schema.Calls})
	known, lost := schema.Erasure{Day: someDay}, schema.Erasure{Day: someDay}
	require.NoError(t, r.store.SQL().QueryRow(`select max(sid), min(sid) from platform.calls where account_sid = $1`, r.account.AccountSID).Scan(&known.Call, &lost.Call))
	r.erase(known)
	r.sweepBulk()
	r.writeDay(bulkexport.WriteDayInput{Type: schema.Calls, Rebuild: true})
	restore := r.backup()
	r.erase(lost)
	r.writeDay(bulkexport.WriteDayInput{Type: schema.Calls, Rebuild: true})
	require.Len(t, r.lines(schema.Calls, someDay), 8)

	restore()
	r.archiveCall(lost.Call)
	r.writeDay(bulkexport.WriteDayInput{Type: schema.Calls}) // before the sweep
	require.Contains(t, r.lines(schema.Calls, someDay), lost.Call)
	var replayed int
	require.NoError(t, r.get(&replayed, r.ReplayErasures))
	require.Equal(t, 1, replayed)
	r.exec(`update satchel.day_files set outdated_since = outdated_since - interval '5 minutes'`)
	_, err := r.store.DayFile(t.Context(), r.account.AccountSID, schema.Calls, someDay)
	require.Equal(t, schema.NotFound, schema.KindOf(err), "hidden until it is rebuilt")
	require.Equal(t, 1, r.sweepBulk().Rebuilds)
	require.Zero(t, r.found("calls_archive", lost.Call), "erased from the archive again")
	r.writeDay(bulkexport.WriteDayInput{Type: schema.Calls, Rebuild: true})
	require.NotContains(t, r.lines(schema.Calls, someDay), lost.Call)
	require.NotContains(t, r.lines(schema.Calls, someDay), known.Call)
	require.NoError(t, r.get(&replayed, r.ReplayErasures))
	require.Zero(t, replayed)
	var at, was time.Time
	require.NoError(t, r.store.SQL().QueryRow(`select at, (select min(created_at) from satchel.day_files) from satchel.erased_calls where call_sid = $1`, lost.Call).Scan(&at, &was))
	require.True(t, at.Before(was), "the time is that of the request")
}

// backup copies the tables of bulk exports, and returns what restores them.
func (r *fixture) backup() (restore func()) {
	tables := []string{"erased_calls", "erasure_queue", "erasure_log"}
	for _, table := range tables {
		r.exec(`create table backup_` + table + ` as table satchel.` + table)
	}
	return func() {
		for _, table := range tables {
			r.exec(`truncate satchel.` + table)
			r.exec(`insert into satchel.` + table + ` table backup_` + table)
		}
	}
}

func TestTheSweepDropsCallsThatThePlatformNoLongerShows(t *testing.T) {
	r := newDayFixture(t)
	r.writeDay(bulkexport.WriteDayInput{Type: schema.Calls})
	check := func() (outdated int) {
		r.exec(`update satchel.day_files set checked_at = checked_at - interval '13 hours'`)
		require.NoError(t, r.get(&outdated, r.CheckDayFiles))
		return outdated
	}
	r.exec(`insert into platform.calls (id, sid, account_sid, direction, status, date_created, from_number)
		overriding system value values (77, 'CAlate', $1, 'inbound', 'completed', '2026-03-01 12:00:00+00', '+1555')`, r.account.AccountSID)
	require.Zero(t, check(), "all of its calls are there")
	var deleted, scrubbed string
	require.NoError(t, r.store.SQL().QueryRow(`delete from platform.calls where sid = (select min(sid) from platform.calls where account_sid = $1 and sid <> 'CAlate') returning sid`, r.account.AccountSID).Scan(&deleted))
	require.NoError(t, r.store.SQL().QueryRow(`update platform.calls_archive set pii_scrubbed_at = now() where sid = (select min(sid) from platform.calls_archive where account_sid = $1) returning sid`, r.account.AccountSID).Scan(&scrubbed))
	shown := r.Source
	r.Source = directory{shown, schema.Account{}, schema.Errorf(schema.NotFound, schema.CodeAccountNotFound, "There is no such account.")}
	require.Zero(t, check(), "an account that is not visible has not lost its calls")
	r.Source = shown
	require.Zero(t, len(r.rebuilt))
	require.Equal(t, 1, check())
	require.Equal(t, []schema.Day{someDay}, r.rebuilt)
	var outdated int
	require.NoError(t, r.get(&outdated, r.CheckDayFiles))
	require.Zero(t, outdated, "it was checked a moment ago")
	r.writeDay(bulkexport.WriteDayInput{Type: schema.Calls, Rebuild: true})
	require.NotContains(t, r.lines(schema.Calls, someDay), deleted)
	require.NotContains(t, r.lines(schema.Calls, someDay), scrubbed)
	require.Zero(t, check())
}

func TestNoErasureIsAnsweredThatARestoreWouldForget(t *testing.T) {
	r := newDayFixture(t)
	r.Vault = awayVault{r.Vault}
	require.Error(t, r.tryErase(new(bulkexport.Rejection), aCall(1)))
	erased, err := r.store.ErasedCalls(t.Context(), r.account.AccountSID, someDay)
	require.NoError(t, err)
	require.Empty(t, erased)
}

// awayVault stores no records.
type awayVault struct{ bulkexport.Vault }

func (awayVault) PutRecord(context.Context, string, []byte) error { return io.ErrUnexpectedEOF }

func TestAnErasureThatCannotBeReadStopsNoOtherAndIsNotForgotten(t *testing.T) {
	r := newDayFixture(t)
	at, err := r.store.Now(t.Context())
	require.NoError(t, err)
	recipient, _, err := r.vault.NewKey(t.Context(), r.account.AccountSID, "another")
	require.NoError(t, err)
	broken := schema.ErasureObject(at.Add(-2*time.Hour), "broken")
	require.NoError(t, r.vault.Put(t.Context(), broken, recipient, []byte("of another keyset")))
	restore := r.backup()
	r.erase(aCall(1))
	restore()
	for range 2 {
		require.Error(t, r.run(r.ReplayErasures), "so that operators see it")
		erased, err := r.store.ErasedCalls(t.Context(), r.account.AccountSID, someDay)
		require.NoError(t, err)
		require.Equal(t, []string{aCall(1).Call}, erased)
	}
}

func TestAnErasureThatTheArchiveRejectedIsFinishedByTheNextSweep(t *testing.T) {
	r := newDayFixture(t)
	var old string
	require.NoError(t, r.store.SQL().QueryRow(`select min(sid) from platform.calls_archive where account_sid = $1`, r.account.AccountSID).Scan(&old))
	archive := r.Archive
	long := schema.Erasure{Call: old, Day: "2020-01-01"} // that it is old is no reason to wait
	for range 2 {                                        // asked for again, too
		r.Archive = awayArchive{}
		require.Error(t, r.tryErase(new(bulkexport.Rejection), long))
		_, sweepErr := r.sweep()
		require.Error(t, sweepErr, "so that operators see it")
		require.Equal(t, 1, r.found("calls_archive", old))
		r.Archive = archive
		r.exec(`update satchel.erasure_queue set due_at = due_at - interval '11 minutes'`)
		r.sweepBulk()
		require.Zero(t, r.found("calls_archive", old))
		r.exec(`insert into platform.calls_archive (id, sid, account_sid, direction, status, date_created, from_number)
			overriding system value values (77, $1, $2, 'inbound', 'completed', '2020-01-01 12:00:00+00', '+1555')`, old, r.account.AccountSID)
	}
}

func TestNoCallIsReportedAsErasedWhereNoArchiveIsConfigured(t *testing.T) {
	r := newDayFixture(t)
	r.Archive = nil
	var rejection bulkexport.Rejection
	require.NoError(t, r.tryErase(&rejection, aCall(1)))
	require.Equal(t, schema.Forbidden, rejection.Kind)
	erased, err := r.store.ErasedCalls(t.Context(), r.account.AccountSID, someDay)
	require.NoError(t, err)
	require.Empty(t, erased, "nothing is half done")
}

func TestErasedCallsAreGoneFromTheRebuiltFileAndFromTheArchive(t *testing.T) {
	r := newDayFixture(t)
	r.writeDay(bulkexport.WriteDayInput{Type: schema.Calls})
	before := r.lines(schema.Calls, someDay)
	require.Len(t, before, 10)
	var old, recent string
	require.NoError(t, r.store.SQL().QueryRow(`select min(sid) from platform.calls_archive where account_sid = $1`, r.account.AccountSID).Scan(&old))
	require.NoError(t, r.store.SQL().QueryRow(`select min(sid) from platform.calls where account_sid = $1`, r.account.AccountSID).Scan(&recent))
	r.erase(schema.Erasure{Call: old, Day: someDay}, schema.Erasure{Call: recent, Day: someDay})
	r.erase(schema.Erasure{Call: old, Day: someDay}) // again
	f, _ := r.gzipOf(schema.Calls, someDay)
	r.writeDay(bulkexport.WriteDayInput{Type: schema.Calls, Rebuild: true})
	after := r.lines(schema.Calls, someDay)
	require.Len(t, after, 8)
	require.NotContains(t, after, old)
	require.NotContains(t, after, recent)
	again, _ := r.gzipOf(schema.Calls, someDay)
	require.Equal(t, f.ExpiresAt, again.ExpiresAt, "erasing keeps nothing longer")

	require.Zero(t, r.found("calls_archive", old))
	require.Equal(t, 1, r.found("calls", recent), "the operational record stays")
	var audits int
	require.NoError(t, r.store.SQL().QueryRow(`select count(*) from satchel.audit where subject in ($1, $2)`, old, recent).Scan(&audits))
	require.Equal(t, 2, audits, "each erasure once")
}

func TestAFileReadBeforeAnErasureIsNotPublishedAfterIt(t *testing.T) {
	r := newDayFixture(t)
	days := r.Source
	r.Source = sourceWithHook{days, func() {
		r.erase(aCall(1))
	}}
	require.ErrorContains(t, r.tryDay(bulkexport.WriteDayInput{Type: schema.Calls}, nil), schema.ErrStaleAttempt.Error())
	require.Empty(t, r.dayObjects(), "the obsolete object is removed")
	r.Source = days
	r.writeDay(bulkexport.WriteDayInput{Type: schema.Calls})
}

func TestADayFileIsNotPublishedOnceTheSweepMayHaveDeletedIt(t *testing.T) {
	r := newDayFixture(t)
	r.Grace = 2 * time.Microsecond // over by the time that the object is whole
	require.ErrorContains(t, r.tryDay(bulkexport.WriteDayInput{Type: schema.Messages}, nil), schema.ErrStaleAttempt.Error())
	_, err := r.store.DayFile(t.Context(), r.account.AccountSID, schema.Messages, someDay)
	require.Equal(t, schema.NotFound, schema.KindOf(err))
	require.Empty(t, r.dayObjects())
	r.Grace = time.Hour
	r.writeDay(bulkexport.WriteDayInput{Type: schema.Messages})
	require.Len(t, r.lines(schema.Messages, someDay), 1440)
}

func TestAFileThatIsGoneIsNotRebuilt(t *testing.T) {
	r := newDayFixture(t)
	r.erase(aCall(1))
	require.Equal(t, schema.DayDeleted, r.writeDay(bulkexport.WriteDayInput{Type: schema.Calls, Rebuild: true}).Status)
	require.Empty(t, r.dayObjects())
}

// swept is what the parts of a sweep did.
type swept struct{ Expired, Orphans, Failed, Rebuilds int }

func TestADayFileWhoseObjectIsGoneIsNoLongerListedAndCanBeRequestedAgain(t *testing.T) {
	r := newDayFixture(t)
	r.writeDay(bulkexport.WriteDayInput{Type: schema.Messages})
	r.writeDay(bulkexport.WriteDayInput{Type: schema.Calls})
	gone, _ := r.gzipOf(schema.Calls, someDay)
	_, err := r.vault.Remove(t.Context(), schema.DayFilePrefix(gone.ID)) // as when the database is restored to before it was deleted
	require.NoError(t, err)
	var orphans activities.RemoveOrphansResult
	require.NoError(t, r.get(&orphans, r.RemoveOrphanedDayFiles, activities.RemoveOrphansInput{}))
	require.Equal(t, activities.RemoveOrphansResult{Missing: 1}, orphans)
	_, err = r.store.DayFile(t.Context(), r.account.AccountSID, schema.Calls, someDay)
	require.Equal(t, schema.NotFound, schema.KindOf(err))
	var audited int
	require.NoError(t, r.store.SQL().QueryRow(`select count(*) from satchel.audit where subject = $1 and action = 'reconciled'`, gone.ID).Scan(&audited))
	require.Equal(t, 1, audited)
	r.gzipOf(schema.Messages, someDay)
	r.writeDay(bulkexport.WriteDayInput{Type: schema.Calls})
	r.gzipOf(schema.Calls, someDay)
}

// sweep runs the parts of a sweep one after the other, as far as they succeed.
func (r *fixture) sweep() (swept, error) {
	r.t.Helper()
	var s swept
	var expired bulkexport.RemoveExpiredDayFilesResult
	var orphans activities.RemoveOrphansResult
	err := errors.Join(
		r.run(r.DestroyExpiredKeys),
		r.run(r.ReplayErasures),
		r.get(&s.Rebuilds, r.RequestRebuilds),
		r.run(r.PurgeBulk, bulkexport.PurgeBulkInput{Retention: week}),
		r.run(r.EraseArchivedCalls),
		r.get(&expired, r.RemoveExpiredDayFiles),
		r.get(&orphans, r.RemoveOrphanedDayFiles, activities.RemoveOrphansInput{}),
	)
	s.Expired, s.Orphans, s.Failed = expired.Removed, orphans.Removed, expired.Failed+orphans.Failed
	return s, err
}

func (r *fixture) sweepBulk() swept {
	r.t.Helper()
	s, err := r.sweep()
	require.NoError(r.t, err)
	return s
}

// endAbandonedJobs ends jobs and finds what is undelivered, as a sweep does.
func (r *fixture) endAbandonedJobs() (ended bulkexport.EndAbandonedJobsResult, undelivered bulkexport.Undelivered) {
	r.t.Helper()
	in := bulkexport.SweepJobsInput{Limits: schema.DefaultBulkLimits()}
	require.NoError(r.t, r.get(&ended, r.EndAbandonedJobs, in))
	require.NoError(r.t, r.get(&undelivered, r.FindUndelivered, in))
	return ended, undelivered
}

func TestTheBulkSweepLeavesNoObjectBehind(t *testing.T) {
	r := newDayFixture(t)
	r.writeDay(bulkexport.WriteDayInput{Type: schema.Messages, Limits: schema.BulkLimits{Retention: time.Millisecond}})
	r.writeDay(bulkexport.WriteDayInput{Type: schema.Calls})
	orphan := schema.NewDayFileID()
	recipient, _, err := r.vault.NewKey(t.Context(), r.account.AccountSID, orphan)
	require.NoError(t, err)
	require.NoError(t, r.vault.Put(t.Context(), schema.DayFileObject(orphan), recipient, []byte("half")))
	require.Len(t, r.dayObjects(), 3)

	require.Equal(t, swept{Expired: 1, Orphans: 1}, r.sweepBulk())
	kept, _ := r.gzipOf(schema.Calls, someDay)
	require.Equal(t, []string{kept.ID}, r.dayObjects())
	require.Equal(t, swept{}, r.sweepBulk(), "a second look finds nothing")
	var certificates int
	require.NoError(t, r.store.SQL().QueryRow(`select count(*) from satchel.audit where subject like 'DF%' and action = 'removed' and details->>'left' = '0'`).Scan(&certificates))
	require.Equal(t, 1, certificates)
}

func TestAJobWhoseRunIsGoneIsEndedAndItsNotificationsAreSent(t *testing.T) {
	r := newDayFixture(t)
	job := r.openJob(someDay, "2026-03-03")
	r.exec(`update satchel.jobs set email = 'loader@example.com', webhook_url = 'https://hooks.example.com', webhook_method = 'POST' where id = $1`, job)
	r.writeDay(bulkexport.WriteDayInput{Type: schema.Messages, Job: job})
	r.Runs = runs{open: true}
	ended, undelivered := r.endAbandonedJobs()
	require.Zero(t, ended)
	require.Zero(t, undelivered)
	r.Runs = runs{}
	ended, undelivered = r.endAbandonedJobs()
	got, err := r.store.Job(t.Context(), job)
	require.NoError(t, err)
	require.NotNil(t, got.EndedAt)
	require.Equal(t, []schema.DayStatus{schema.DayCompleted, schema.DayFailed, schema.DayFailed}, []schema.DayStatus{got.Days[0].Status, got.Days[1].Status, got.Days[2].Status})

	var end bulkexport.EndJobResult
	require.NoError(t, r.get(&end, r.EndJob, bulkexport.EndJobInput{Job: job}))
	want := bulkexport.Undelivered{
		Webhooks: []bulkexport.UndeliveredWebhook{{Event: end.Event, Account: r.account.AccountSID}},
		Emails:   []activities.SendEmailInput{{About: job, Account: r.account.AccountSID, Kind: bulkexport.JobEndedEmail, Retention: week}},
	}
	require.Equal(t, bulkexport.EndAbandonedJobsResult{Ended: 1, Undelivered: want}, ended)
	require.Equal(t, want, undelivered)
	ended, undelivered = r.endAbandonedJobs()
	require.Zero(t, ended)
	require.Equal(t, want, undelivered, "until it is delivered, or being delivered")
	r.Runs = runs{open: true}
	_, undelivered = r.endAbandonedJobs()
	require.Zero(t, undelivered)
	r.Runs = runs{}
	require.NoError(t, r.store.RecordAttempt(t.Context(), end.Event, schema.EventAttempt{Outcome: "delivered"}))
	require.NoError(t, r.run(r.emails.SendEmail, want.Emails[0]))
	_, undelivered = r.endAbandonedJobs()
	require.Zero(t, undelivered)
}

func TestADayFileThatIsRemovedEarlyIsUnreadableFirst(t *testing.T) {
	r := newDayFixture(t)
	r.writeDay(bulkexport.WriteDayInput{Type: schema.Messages})
	f, _ := r.gzipOf(schema.Messages, someDay)
	for range 2 { // removing what is gone succeeds
		require.NoError(t, r.run(r.RemoveDayFile, bulkexport.RemoveDayFileInput{
			File: f.ID, Account: f.Account, Type: f.Type, Day: f.Day, ExpiresAt: f.ExpiresAt, By: "US-by",
		}))
		_, _, err := r.store.OpenDayFile(t.Context(), f.ID)
		require.Equal(t, schema.NotFound, schema.KindOf(err))
		require.Empty(t, r.dayObjects())
	}
}

func TestADayThatFailsIsShownAsRetryingUntilItSucceeds(t *testing.T) {
	r := newDayFixture(t)
	job := r.openJob(someDay, someDay)
	days := r.Source
	r.Source = broken{days}
	require.Error(t, r.tryDay(bulkexport.WriteDayInput{Type: schema.Messages, Job: job}, nil))
	status := func() schema.DayStatus {
		got, err := r.store.Job(t.Context(), job)
		require.NoError(t, err)
		return got.Days[0].Status
	}
	require.Equal(t, schema.DayErrorDuringRun, status())
	require.Empty(t, r.dayObjects(), "half a file is none")
	r.Source = days
	r.writeDay(bulkexport.WriteDayInput{Type: schema.Messages, Job: job})
	require.Equal(t, schema.DayCompleted, status())
}

func TestADayThatCannotBeReadFailsAtOnceUnlessItCannotBeRequestedAgain(t *testing.T) {
	r := newDayFixture(t)
	job := r.openJob(someDay, someDay)
	for name, change := range map[string]struct{ spoil, mend, reason string }{
		"records": {`alter table platform.messages rename to gone`, `alter table platform.gone rename to messages`, "The Messages of " + string(someDay) + " cannot be read: SQLSTATE 42P01 (undefined_table)"},
		"account": {`alter table platform.accounts rename column name to title`, `alter table platform.accounts rename column title to name`, "The account cannot be read: SQLSTATE 42703 (undefined_column)"},
	} {
		t.Run(name, func(t *testing.T) {
			r.exec(change.spoil)
			for in, final := range map[bulkexport.WriteDayInput]bool{
				{Type: schema.Messages, Job: job}: true, {Type: schema.Messages}: false,
			} {
				var failure *temporal.ApplicationError
				require.ErrorAs(t, r.tryDay(in, nil), &failure)
				require.Equal(t, change.reason, failure.Message())
				require.Equal(t, final, failure.NonRetryable())
			}
			require.Empty(t, r.dayObjects())
			r.exec(change.mend)
		})
	}
	r.writeDay(bulkexport.WriteDayInput{Type: schema.Messages, Job: job})
}

// broken breaks off in the middle of a day.
type broken struct{ bulkexport.Source }

func (b broken) ReadDay(ctx context.Context, t schema.ResourceType, account string, day schema.Day, erased []string, do func(schema.RecordReader) error) error {
	return b.Source.ReadDay(ctx, t, account, day, erased, func(rows schema.RecordReader) error { return do(&breaking{RecordReader: rows}) })
}

type breaking struct {
	schema.RecordReader
	read int
}

func (b *breaking) AppendRow(dst []byte) ([]byte, error) {
	if b.read++; b.read > 700 {
		return dst, io.ErrUnexpectedEOF
	}
	return b.RecordReader.AppendRow(dst)
}

// storeWithUnremovableFiles has two expired files that cannot be removed, one of which is replaced
// meanwhile.
type storeWithUnremovableFiles struct {
	bulkexport.Store
	looked int
}

func (v *storeWithUnremovableFiles) ExpiredDayFiles(context.Context, int) ([]schema.DayFile, error) {
	v.looked++
	return []schema.DayFile{{ID: schema.NewDayFileID()}, {ID: schema.NewDayFileID()}}[:3-min(v.looked, 2)], nil
}

func (*storeWithUnremovableFiles) DestroyDayKey(context.Context, string) error {
	return io.ErrUnexpectedEOF
}

func TestTheBulkSweepGoesOnThoughWhatItCouldNotRemoveWasReplaced(t *testing.T) {
	r := newDayFixture(t)
	r.Store = &storeWithUnremovableFiles{Store: r.Store}
	require.Equal(t, swept{Failed: 2}, r.sweepBulk())
}

// unlistableVault is a vault whose bucket cannot be listed.
type unlistableVault struct{ bulkexport.Vault }

func (unlistableVault) Folders(context.Context, string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) { yield("", io.ErrUnexpectedEOF) }
}

func TestTheSweepPurgesThoughStorageIsAway(t *testing.T) {
	r := newDayFixture(t)
	job := r.openJob(someDay, someDay)
	r.exec(`update satchel.jobs set ended_at = now() - interval '8 days'`)
	r.Vault = unlistableVault{r.Vault}
	_, sweepErr := r.sweep()
	require.Error(t, sweepErr, "so that operators see it")
	_, err := r.store.Job(t.Context(), job)
	require.Equal(t, schema.NotFound, schema.KindOf(err))
}

// unremovable is a vault that deletes nothing and calls look instead.
type unremovable struct {
	bulkexport.Vault
	look func()
}

func (u unremovable) Remove(context.Context, string) (schema.Certificate, error) {
	u.look()
	return schema.Certificate{}, io.ErrUnexpectedEOF
}

func TestTheBulkSweepMakesAllExpiredFilesUnreadableBeforeItDeletesAny(t *testing.T) {
	r := newDayFixture(t)
	for _, day := range []schema.Day{someDay, "2020-01-01"} {
		r.writeDay(bulkexport.WriteDayInput{Type: schema.Messages, Day: day})
	}
	r.exec(`update satchel.day_files set expires_at = clock_timestamp()`)
	r.Vault = unremovable{r.Vault, func() {
		var keys int
		require.NoError(t, r.store.SQL().QueryRow(`select count(wrapped) from satchel.day_files`).Scan(&keys))
		require.Zero(t, keys)
	}}
	require.Equal(t, swept{Failed: 2}, r.sweepBulk())
}

func TestAnErasedAccountDoesNotComeBackWithItsErasures(t *testing.T) {
	r := newDayFixture(t)
	ago := func(d time.Duration, call schema.Erasure) {
		at, err := r.store.Now(t.Context())
		require.NoError(t, err)
		record := schema.ErasureRecord{Account: r.account.AccountSID, At: at.Add(-d), Calls: []schema.Erasure{call}}
		text, err := json.Marshal(record)
		require.NoError(t, err)
		require.NoError(t, r.vault.PutRecord(t.Context(), schema.ErasureObject(record.At, rand.Text()), text))
		_, err = r.store.EraseCalls(t.Context(), record)
		require.NoError(t, err)
	}
	replay := func() {
		require.NoError(t, r.run(r.ReplayErasures))
	}
	erase := func() error {
		_, err := r.store.EraseAccount(t.Context(), r.account.AccountSID, true)
		return err
	}
	ago(2*time.Hour, aCall(1))
	require.ErrorContains(t, erase(), "not settled", "no sweep has run since")
	replay()
	require.NoError(t, erase())
	replay()
	erased, err := r.store.ErasedCalls(t.Context(), r.account.AccountSID, someDay)
	require.NoError(t, err)
	require.Empty(t, erased)

	ago(30*time.Minute, aCall(2))
	replay()
	require.ErrorContains(t, erase(), "not settled", "the next replay reads it again")
}

// storeThatWaits says that it was asked for a day file, and waits.
type storeThatWaits struct {
	bulkexport.Store
	asked, answer chan struct{}
}

func (s storeThatWaits) DayFile(ctx context.Context, account string, t schema.ResourceType, day schema.Day) (schema.DayFile, error) {
	s.asked <- struct{}{}
	<-s.answer
	return s.Store.DayFile(ctx, account, t, day)
}

func TestOneFileOfAnAccountIsSearchedAtATime(t *testing.T) {
	r := newFixture(t, demo.With{})
	find := func(account string) error {
		return r.run(r.FindCallInFile, bulkexport.FindCallInFileInput{Account: account, Erasure: schema.Erasure{Call: "CA1", Day: "2026-03-01"}})
	}
	waiting := storeThatWaits{r.store, make(chan struct{}), make(chan struct{})}
	r.Store = waiting
	ended := make(chan error)
	go func() { ended <- find(r.account.AccountSID) }()
	<-waiting.asked
	err := find(r.account.AccountSID)
	require.False(t, final(t, err))
	var failure *temporal.ApplicationError
	require.ErrorAs(t, err, &failure)
	require.Positive(t, failure.NextRetryDelay(), "the worker's slot is free meanwhile")
	go func() { ended <- find(schema.NewAccountID()) }()
	<-waiting.asked // another account's is searched
	close(waiting.answer)
	require.NoError(t, <-ended)
	require.NoError(t, <-ended)
	r.Store = r.store
	require.NoError(t, find(r.account.AccountSID))
}
