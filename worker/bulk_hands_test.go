package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/activities"
	"satchel/dev/demo"
	"satchel/schema"
	"satchel/schema/catalog"
	"satchel/schema/store/source"
)

const someDay schema.Day = "2026-03-01"

// newBulkRig has messages, and calls of today and long ago, on someDay.
func newBulkRig(t *testing.T) *rig {
	r := newRig(t, demo.With{}, nil)
	queries, err := catalog.Embedded()
	require.NoError(t, err)
	platform, err := source.Open(t.Context(), r.url, 8)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, platform.Close()) })
	archive, finish, err := openArchive(r.url, queries, 2)
	require.NoError(t, err)
	t.Cleanup(finish)
	r.Bulk, r.Days, r.Archive, r.Secrets = r.store, source.NewPlatform(platform, queries), archive, r.vault
	r.Runs = runs{again: &r.again}
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

func (r *rig) writeDay(in activities.WriteDay) activities.WrittenDay {
	r.t.Helper()
	var written activities.WrittenDay
	require.NoError(r.t, r.tryDay(in, &written))
	return written
}

func (r *rig) tryDay(in activities.WriteDay, written *activities.WrittenDay) error {
	in.Account, in.Limits = r.account.AccountSID, in.Limits.Filled()
	if in.Day == "" {
		in.Day = someDay
	}
	return r.run(r.WriteDay, in, written)
}

func (r *rig) openJob(from, to schema.Day) string {
	r.t.Helper()
	id := schema.NewJobID()
	request, err := json.Marshal(schema.JobRequest{Name: "some job"})
	require.NoError(r.t, err)
	sealed, err := r.vault.Seal(r.t.Context(), request, r.account.AccountSID, schema.SealedJob(id))
	require.NoError(r.t, err)
	var refusal activities.Refusal
	require.NoError(r.t, r.run(r.OpenJob, activities.OpenJob{
		Job: id, Account: r.account.AccountSID, Family: r.account.AccountSID, Type: schema.Messages, Start: from, End: to, Sealed: sealed, QuotaDays: 366,
	}, &refusal))
	require.NoError(r.t, refusal.Err())
	return id
}

// gzipOf reads a day file as its downloader does.
func (r *rig) gzipOf(t schema.ResourceType, day schema.Day) (schema.DayFile, []byte) {
	r.t.Helper()
	ctx := r.t.Context()
	f, err := r.store.DayFile(ctx, r.account.AccountSID, t, day)
	require.NoError(r.t, err)
	_, wrapped, err := r.store.OpenDayFile(ctx, f.ID)
	require.NoError(r.t, err)
	id, err := r.vault.Unwrap(ctx, wrapped, r.account.AccountSID, f.ID)
	require.NoError(r.t, err)
	content, err := r.vault.Get(ctx, schema.DayObject(f.ID), id, nil)
	require.NoError(r.t, err)
	require.EqualValues(r.t, len(content), f.Size)
	sum := sha256.Sum256(content)
	require.Equal(r.t, hex.EncodeToString(sum[:]), f.SHA256)
	return f, content
}

func (r *rig) lines(t schema.ResourceType, day schema.Day) (sids []string) {
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

func (r *rig) dayObjects() (files []string) {
	r.t.Helper()
	for f, err := range r.vault.Folders(r.t.Context(), schema.DayFolder) {
		require.NoError(r.t, err)
		files = append(files, f)
	}
	return files
}

func TestADayFileHoldsTheDaysRecordsAndReplacesTheOneBefore(t *testing.T) {
	r := newBulkRig(t)
	require.Equal(t, activities.WrittenDay{Status: schema.DayCompleted, Records: 1440}, r.writeDay(activities.WriteDay{Type: schema.Messages}))
	first, content := r.gzipOf(schema.Messages, someDay)
	require.Len(t, r.lines(schema.Messages, someDay), 1440)
	require.Len(t, r.dayObjects(), 1)

	r.writeDay(activities.WriteDay{Type: schema.Messages})
	second, again := r.gzipOf(schema.Messages, someDay)
	require.NotEqual(t, first.ID, second.ID)
	require.Equal(t, content, again, "the same records give the same bytes")
	require.Equal(t, []string{second.ID}, r.dayObjects(), "nothing is left of the first")
}

func TestAnEmptyDayIsAValidFileOfNothing(t *testing.T) {
	r := newBulkRig(t)
	job := r.openJob("2020-01-01", "2020-01-01")
	written := r.writeDay(activities.WriteDay{Type: schema.Messages, Day: "2020-01-01", Job: job})
	require.Equal(t, schema.DayCompletedEmpty, written.Status)
	require.Empty(t, r.lines(schema.Messages, "2020-01-01"))
	_, content := r.gzipOf(schema.Messages, "2020-01-01")
	require.Less(t, len(content), 40)
	got, err := r.store.Job(t.Context(), job)
	require.NoError(t, err)
	require.Equal(t, schema.DayCompletedEmpty, got.Days[0].Status)
}

func TestADayOfAStoppedJobLeavesNothing(t *testing.T) {
	r := newBulkRig(t)
	job := r.openJob(someDay, someDay)
	r.Days = meddler{r.Days, func() { // somebody deletes the job while the day is being read
		var refusal activities.Refusal
		require.NoError(t, r.run(r.StopJob, activities.StopJob{Job: job, By: "US-by"}, &refusal))
	}}
	require.Equal(t, schema.DayDeleted, r.writeDay(activities.WriteDay{Type: schema.Messages, Job: job}).Status)
	require.Empty(t, r.dayObjects())
	var end activities.JobEnd
	require.NoError(t, r.run(r.EndJob, activities.EndJob{Job: job}, &end))
	require.Zero(t, end, "nobody hears of a deleted job")
	got, err := r.store.Job(t.Context(), job)
	require.NoError(t, err)
	require.Equal(t, schema.DayDeleted, got.Days[0].Status)
}

// meddler does something while a day is being read.
type meddler struct {
	activities.BulkSource
	meddle func()
}

func (m meddler) ReadDay(ctx context.Context, t schema.ResourceType, account string, day schema.Day, erased []string, do func(activities.DayRows) error) error {
	return m.BulkSource.ReadDay(ctx, t, account, day, erased, func(rows activities.DayRows) error {
		m.meddle()
		return do(rows)
	})
}

func (r *rig) erase(calls ...schema.Erasure) {
	r.t.Helper()
	var refusal activities.Refusal
	require.NoError(r.t, r.tryErase(&refusal, calls...))
	require.NoError(r.t, refusal.Err())
}

func (r *rig) tryErase(refusal *activities.Refusal, calls ...schema.Erasure) error {
	return r.run(r.EraseCalls, activities.Erase{Account: r.account.AccountSID, By: "US-by", Calls: calls}, refusal)
}

func aCall(n int) schema.Erasure {
	return schema.Erasure{Call: fmt.Sprintf("CA%032x", n), Day: someDay}
}

func TestAFileIsMadeAgainOnceForEachErasureAndNotForOneThatIsKnown(t *testing.T) {
	r := newBulkRig(t)
	r.erase(aCall(1))
	require.Empty(t, r.again, "there is no file")
	r.writeDay(activities.WriteDay{Type: schema.Calls})
	r.erase(aCall(2), aCall(3))
	require.Equal(t, []schema.Day{someDay}, r.again)
	require.Equal(t, 1, r.sweepBulk().Again, "its run may be lost")
	require.Len(t, r.again, 2)
	r.writeDay(activities.WriteDay{Type: schema.Calls, Again: true})
	f, _ := r.gzipOf(schema.Calls, someDay)
	r.erase(aCall(2))
	require.Zero(t, r.sweepBulk())
	require.Len(t, r.again, 2)
	require.Equal(t, schema.DayDeleted, r.writeDay(activities.WriteDay{Type: schema.Calls, Again: true}).Status)
	same, _ := r.gzipOf(schema.Calls, someDay)
	require.Equal(t, f, same, "links to it are good")
}

// awayArchive is not to be had.
type awayArchive struct{}

func (awayArchive) EraseCalls(context.Context, string, []string) error { return io.ErrUnexpectedEOF }

func TestAnErasureThatTheArchiveDoesNotTakeHasTheFileMadeAgain(t *testing.T) {
	r := newBulkRig(t)
	r.writeDay(activities.WriteDay{Type: schema.Calls})
	r.Archive = awayArchive{}
	require.Error(t, r.tryErase(new(activities.Refusal), aCall(1)), "it is not gone everywhere")
	require.Equal(t, []schema.Day{someDay}, r.again)
}

func (r *rig) found(table, sid string) (n int) {
	r.t.Helper()
	require.NoError(r.t, r.store.SQL().QueryRow(`select count(*) from platform.`+table+` where sid = $1`, sid).Scan(&n))
	return n
}

// archiveCall does as the platform does with its record of an old call.
func (r *rig) archiveCall(sid string) {
	r.exec(`with moved as (delete from platform.calls where sid = $1 returning *) insert into platform.calls_archive select * from moved`, sid)
	require.Equal(r.t, 1, r.found("calls_archive", sid))
}

func TestAnErasedCallThatThePlatformArchivesLaterIsErasedThere(t *testing.T) {
	r := newBulkRig(t)
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
	}
	aDayLater()
	archive := r.Archive
	r.Archive = nil
	r.sweepBulk()
	require.Equal(t, 1, r.found("calls_archive", call), "nobody has said where it is")
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
	require.Nil(t, due(), "so old a call was moved long ago")
}

func TestAnErasureThatTheArchiveDidNotTakeIsFinishedByTheNextSweep(t *testing.T) {
	r := newBulkRig(t)
	var old string
	require.NoError(t, r.store.SQL().QueryRow(`select min(sid) from platform.calls_archive where account_sid = $1`, r.account.AccountSID).Scan(&old))
	archive := r.Archive
	long := schema.Erasure{Call: old, Day: "2020-01-01"} // that it is old is no reason to wait
	for range 2 {                                        // asked for again, too
		r.Archive = awayArchive{}
		require.Error(t, r.tryErase(new(activities.Refusal), long))
		require.Error(t, r.run(r.SweepBulk, activities.SweepBulk{Limits: schema.DefaultBulkLimits()}, nil), "so that it is seen")
		require.Equal(t, 1, r.found("calls_archive", old))
		r.Archive = archive
		r.sweepBulk()
		require.Zero(t, r.found("calls_archive", old))
		r.exec(`insert into platform.calls_archive (id, sid, account_sid, direction, status, date_created, from_number)
			overriding system value values (77, $1, $2, 'inbound', 'completed', '2020-01-01 12:00:00+00', '+1555')`, old, r.account.AccountSID)
	}
}

func TestNoCallIsSaidToBeErasedThatStaysInAnArchiveNobodyHasNamed(t *testing.T) {
	r := newBulkRig(t)
	r.Archive = nil
	var refusal activities.Refusal
	require.NoError(t, r.tryErase(&refusal, aCall(1)))
	require.Equal(t, schema.Forbidden, refusal.Kind)
	erased, err := r.store.Erased(t.Context(), r.account.AccountSID, someDay)
	require.NoError(t, err)
	require.Empty(t, erased, "nothing is half done")
}

func TestErasedCallsAreGoneFromTheFileThatIsMadeAgainAndFromTheArchive(t *testing.T) {
	r := newBulkRig(t)
	r.writeDay(activities.WriteDay{Type: schema.Calls})
	before := r.lines(schema.Calls, someDay)
	require.Len(t, before, 10)
	var old, recent string
	require.NoError(t, r.store.SQL().QueryRow(`select min(sid) from platform.calls_archive where account_sid = $1`, r.account.AccountSID).Scan(&old))
	require.NoError(t, r.store.SQL().QueryRow(`select min(sid) from platform.calls where account_sid = $1`, r.account.AccountSID).Scan(&recent))
	r.erase(schema.Erasure{Call: old, Day: someDay}, schema.Erasure{Call: recent, Day: someDay})
	r.erase(schema.Erasure{Call: old, Day: someDay}) // again
	f, _ := r.gzipOf(schema.Calls, someDay)
	r.writeDay(activities.WriteDay{Type: schema.Calls, Again: true})
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
	r := newBulkRig(t)
	days := r.Days
	r.Days = meddler{days, func() {
		r.erase(aCall(1))
	}}
	require.ErrorContains(t, r.tryDay(activities.WriteDay{Type: schema.Calls}, nil), schema.ErrOvertaken.Error())
	require.Empty(t, r.dayObjects(), "what was useless is gone")
	r.Days = days
	r.writeDay(activities.WriteDay{Type: schema.Calls})
}

func TestADayFileIsNotPublishedOnceTheSweepMayHaveDeletedIt(t *testing.T) {
	r := newBulkRig(t)
	r.Grace = 2 * time.Microsecond // over by the time that the object is whole
	require.ErrorContains(t, r.tryDay(activities.WriteDay{Type: schema.Messages}, nil), schema.ErrOvertaken.Error())
	_, err := r.store.DayFile(t.Context(), r.account.AccountSID, schema.Messages, someDay)
	require.Equal(t, schema.NotFound, schema.KindOf(err))
	require.Empty(t, r.dayObjects())
	r.Grace = time.Hour
	r.writeDay(activities.WriteDay{Type: schema.Messages})
	require.Len(t, r.lines(schema.Messages, someDay), 1440)
}

func TestAFileThatIsGoneIsNotMadeAgain(t *testing.T) {
	r := newBulkRig(t)
	r.erase(aCall(1))
	require.Equal(t, schema.DayDeleted, r.writeDay(activities.WriteDay{Type: schema.Calls, Again: true}).Status)
	require.Empty(t, r.dayObjects())
}

func (r *rig) endLostJobs() (untold activities.Untold) {
	r.t.Helper()
	require.NoError(r.t, r.run(r.EndLostJobs, activities.SweepBulk{Limits: schema.DefaultBulkLimits()}, &untold))
	return untold
}

func (r *rig) sweepBulk() (swept activities.SweptBulk) {
	r.t.Helper()
	require.NoError(r.t, r.run(r.SweepBulk, activities.SweepBulk{Limits: schema.DefaultBulkLimits()}, &swept))
	return swept
}

func TestTheBulkSweepLeavesNoObjectBehind(t *testing.T) {
	r := newBulkRig(t)
	r.writeDay(activities.WriteDay{Type: schema.Messages, Limits: schema.BulkLimits{Retention: time.Millisecond}})
	r.writeDay(activities.WriteDay{Type: schema.Calls})
	stray := schema.NewDayFileID()
	recipient, _, err := r.vault.NewKey(t.Context(), r.account.AccountSID, stray)
	require.NoError(t, err)
	require.NoError(t, r.vault.Put(t.Context(), schema.DayObject(stray), recipient, []byte("half")))
	require.Len(t, r.dayObjects(), 3)

	require.Equal(t, activities.SweptBulk{Expired: 1, Strays: 1}, r.sweepBulk())
	kept, _ := r.gzipOf(schema.Calls, someDay)
	require.Equal(t, []string{kept.ID}, r.dayObjects())
	require.Equal(t, activities.SweptBulk{}, r.sweepBulk(), "a second look finds nothing")
	var certificates int
	require.NoError(t, r.store.SQL().QueryRow(`select count(*) from satchel.audit where subject like 'DF%' and action = 'removed' and details->>'left' = '0'`).Scan(&certificates))
	require.Equal(t, 1, certificates)
}

func TestAJobWhoseRunIsGoneIsEndedAndToldOfAsIfItHadNotBeen(t *testing.T) {
	r := newBulkRig(t)
	job := r.openJob(someDay, "2026-03-03")
	r.exec(`update satchel.jobs set email = 'loader@example.com', webhook_url = 'https://hooks.example.com', webhook_method = 'POST' where id = $1`, job)
	r.writeDay(activities.WriteDay{Type: schema.Messages, Job: job})
	r.Runs = runs{open: true}
	require.Zero(t, r.endLostJobs())
	r.Runs = runs{}
	untold := r.endLostJobs()
	got, err := r.store.Job(t.Context(), job)
	require.NoError(t, err)
	require.NotNil(t, got.EndedAt)
	require.Equal(t, []schema.DayStatus{schema.DayCompleted, schema.DayFailed, schema.DayFailed}, []schema.DayStatus{got.Days[0].Status, got.Days[1].Status, got.Days[2].Status})

	var end activities.JobEnd
	require.NoError(t, r.run(r.EndJob, activities.EndJob{Job: job}, &end))
	want := activities.Untold{
		Jobs: 1, Events: []activities.UntoldEvent{{Event: end.Event, Account: r.account.AccountSID}},
		Mails: []activities.JobMail{{Job: job, Account: r.account.AccountSID, Kind: activities.JobEndedMail, Retention: week}},
	}
	require.Equal(t, want, untold)
	want.Jobs = 0
	require.Equal(t, want, r.endLostJobs(), "until somebody has been told, or is being told, of the same one event")
	r.Runs = runs{open: true}
	require.Zero(t, r.endLostJobs())
	r.Runs = runs{}
	require.NoError(t, r.store.NoteTry(t.Context(), end.Event, schema.EventTry{Outcome: "delivered"}))
	require.NoError(t, r.run(r.SendJobMail, want.Mails[0], nil))
	require.Zero(t, r.endLostJobs())
}

const week = 7 * 24 * time.Hour

func TestADayFileThatIsRemovedEarlyIsUnreadableFirst(t *testing.T) {
	r := newBulkRig(t)
	r.writeDay(activities.WriteDay{Type: schema.Messages})
	f, _ := r.gzipOf(schema.Messages, someDay)
	for range 2 { // removing what is gone succeeds
		require.NoError(t, r.run(r.RemoveDay, activities.RemoveDay{
			File: f.ID, Account: f.Account, Type: f.Type, Day: f.Day, ExpiresAt: f.ExpiresAt, By: "US-by",
		}, nil))
		_, _, err := r.store.OpenDayFile(t.Context(), f.ID)
		require.Equal(t, schema.NotFound, schema.KindOf(err))
		require.Empty(t, r.dayObjects())
	}
}

func TestTroubleWhileADayIsWrittenIsShownAndMended(t *testing.T) {
	r := newBulkRig(t)
	job := r.openJob(someDay, someDay)
	days := r.Days
	r.Days = broken{days}
	require.Error(t, r.tryDay(activities.WriteDay{Type: schema.Messages, Job: job}, nil))
	status := func() schema.DayStatus {
		got, err := r.store.Job(t.Context(), job)
		require.NoError(t, err)
		return got.Days[0].Status
	}
	require.Equal(t, schema.DayErrorDuringRun, status())
	require.Empty(t, r.dayObjects(), "half a file is none")
	r.Days = days
	r.writeDay(activities.WriteDay{Type: schema.Messages, Job: job})
	require.Equal(t, schema.DayCompleted, status())
}

// broken breaks off in the middle of a day.
type broken struct{ activities.BulkSource }

func (b broken) ReadDay(ctx context.Context, t schema.ResourceType, account string, day schema.Day, erased []string, do func(activities.DayRows) error) error {
	return b.BulkSource.ReadDay(ctx, t, account, day, erased, func(rows activities.DayRows) error { return do(&breaking{DayRows: rows}) })
}

type breaking struct {
	activities.DayRows
	read int
}

func (b *breaking) AppendRow(dst []byte) ([]byte, error) {
	if b.read++; b.read > 700 {
		return dst, io.ErrUnexpectedEOF
	}
	return b.DayRows.AppendRow(dst)
}

// vanishing has two expired files that cannot be removed, one of which gets a
// new version meanwhile.
type vanishing struct {
	activities.BulkStore
	looked int
}

func (v *vanishing) ExpiredDays(context.Context, int) ([]schema.DayFile, error) {
	v.looked++
	return []schema.DayFile{{ID: schema.NewDayFileID()}, {ID: schema.NewDayFileID()}}[:3-min(v.looked, 2)], nil
}

func (*vanishing) DestroyDayKey(context.Context, string) error { return io.ErrUnexpectedEOF }

func TestTheBulkSweepGoesOnThoughWhatItCouldNotRemoveWasReplaced(t *testing.T) {
	r := newBulkRig(t)
	r.Bulk = &vanishing{BulkStore: r.Bulk}
	require.Equal(t, activities.SweptBulk{Stuck: 2}, r.sweepBulk())
}

// listless is a vault whose bucket cannot be listed.
type listless struct{ activities.Vault }

func (listless) Folders(context.Context, string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) { yield("", io.ErrUnexpectedEOF) }
}

func TestTheBulkSweepForgetsThoughStorageIsAway(t *testing.T) {
	r := newBulkRig(t)
	job := r.openJob(someDay, someDay)
	r.exec(`update satchel.jobs set ended_at = now() - interval '8 days'`)
	r.Vault = listless{r.Vault}
	require.Error(t, r.run(r.SweepBulk, activities.SweepBulk{Limits: schema.DefaultBulkLimits()}, nil), "so that it is seen")
	_, err := r.store.Job(t.Context(), job)
	require.Equal(t, schema.NotFound, schema.KindOf(err))
}

// unremovable is a vault that deletes nothing and looks around instead.
type unremovable struct {
	activities.Vault
	look func()
}

func (u unremovable) Remove(context.Context, string) (schema.Certificate, error) {
	u.look()
	return schema.Certificate{}, io.ErrUnexpectedEOF
}

func TestTheBulkSweepMakesAllExpiredFilesUnreadableBeforeItDeletesAny(t *testing.T) {
	r := newBulkRig(t)
	for _, day := range []schema.Day{someDay, "2020-01-01"} {
		r.writeDay(activities.WriteDay{Type: schema.Messages, Day: day})
	}
	r.exec(`update satchel.day_files set expires_at = clock_timestamp()`)
	r.Vault = unremovable{r.Vault, func() {
		var keys int
		require.NoError(t, r.store.SQL().QueryRow(`select count(wrapped) from satchel.day_files`).Scan(&keys))
		require.Zero(t, keys)
	}}
	require.Equal(t, activities.SweptBulk{Stuck: 2}, r.sweepBulk())
}
