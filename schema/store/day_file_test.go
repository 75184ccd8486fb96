package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/store"
)

func aFile(account string) schema.NewDayFile {
	return schema.NewDayFile{ID: schema.NewDayFileID(), Account: account, Type: schema.Calls, Day: "2026-02-28",
		Records: 5, Size: 100, SHA256: "aa", Wrapped: []byte("key"), ReadAt: time.Now(), Retention: week}
}

// published publishes the file and checks which one it replaces.
func published(t *testing.T, s *store.BulkExports, f schema.NewDayFile, replaces string) {
	obsolete, err := s.PublishDayFile(t.Context(), f)
	require.NoError(t, err)
	require.Equal(t, replaces, obsolete)
}

func file(t *testing.T, s *store.BulkExports, f schema.NewDayFile) schema.DayFile {
	got, err := s.DayFile(t.Context(), f.Account, f.Type, f.Day)
	require.NoError(t, err)
	return got
}

// hasRow reports whether a file has a row, even if it may not be downloaded.
func hasRow(t *testing.T, s *store.BulkExports, id string) bool {
	known, err := s.ExistingDayFiles(context.Background(), []string{id})
	require.NoError(t, err)
	return known[id]
}

func requireNotFound(t *testing.T, err error) {
	t.Helper()
	require.Equal(t, schema.NotFound, schema.KindOf(err), "%v", err)
}

func TestAFileAppearsTogetherWithTheEndOfItsDay(t *testing.T) {
	s := openBulk(t)
	o := opened(t, s, schema.NewAccountID())
	f := aFile(o.Account)
	f.Job = o.ID
	published(t, s, f, f.ID)
	_, err := s.DayFile(t.Context(), f.Account, f.Type, f.Day)
	requireNotFound(t, err) // its day does not run

	begin(t, s, o.ID, f.Day)
	published(t, s, f, "")
	got := file(t, s, f)
	require.Equal(t, week, got.ExpiresAt.Sub(got.CreatedAt))
	require.WithinDuration(t, time.Now(), got.CreatedAt, time.Minute)
	require.Equal(t, schema.DayFile{ID: f.ID, Account: f.Account, Type: f.Type, Day: f.Day, Job: o.ID, Name: o.Name, Records: 5, Size: 100, SHA256: "aa",
		CreatedAt: got.CreatedAt, ExpiresAt: got.ExpiresAt, Seq: got.Seq}, got)
	published(t, s, f, "") // a published file is never reported as obsolete

	empty := aFile(o.Account)
	empty.Job, empty.Day, empty.Records = o.ID, "2026-03-01", 0
	begin(t, s, o.ID, empty.Day)
	published(t, s, empty, "")
	j, err := s.Job(t.Context(), o.ID)
	require.NoError(t, err)
	require.Equal(t, []schema.JobDay{{Day: "2026-02-27", Status: schema.DaySubmitted}, {Day: "2026-02-28", Status: schema.DayCompleted, Records: 5},
		{Day: "2026-03-01", Status: schema.DayCompletedEmpty}}, j.Days)

	late := aFile(o.Account)
	late.Job = o.ID
	published(t, s, late, late.ID)
	require.Equal(t, got, file(t, s, f), "the day has ended")
}

func TestNoReaderSeesAnEndedDayWithoutItsFile(t *testing.T) {
	s := openBulk(t)
	o := opened(t, s, schema.NewAccountID())
	f := aFile(o.Account)
	f.Job = o.ID
	begin(t, s, o.ID, f.Day)
	ended := func() bool { return statusesOf(t, s, o.ID)[1] == schema.DayCompleted }
	there := func() bool {
		_, err := s.DayFile(context.Background(), f.Account, f.Type, f.Day)
		if err != nil {
			requireNotFound(t, err)
		}
		return err == nil
	}
	race(t, s.DB, sameID, []any{f.ID}, // the day has moved in the transaction, and the file waits for the lock
		func() { published(t, s, f, "") },
		func() { require.Equal(t, []bool{false, false}, []bool{ended(), there()}) })
	require.Equal(t, []bool{true, true}, []bool{ended(), there()})
}

func TestANewerFileReplacesTheOlderAndMovesToTheEnd(t *testing.T) {
	s := openBulk(t)
	account := schema.NewAccountID()
	old, other := aFile(account), aFile(account)
	other.Day = "2026-03-01"
	published(t, s, old, "")
	published(t, s, other, "")
	newer := aFile(account)
	newer.Size, newer.Wrapped = 200, []byte("newer key")
	published(t, s, newer, old.ID)

	list, err := s.DayFiles(t.Context(), account, schema.Calls, 0, 10)
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, []string{other.ID, newer.ID}, []string{list[0].ID, list[1].ID})
	current, err := s.LatestDayFiles(t.Context(), account, 1)
	require.NoError(t, err)
	require.Equal(t, []schema.DayFile{list[1]}, current)
	_, _, err = s.OpenDayFile(t.Context(), old.ID)
	requireNotFound(t, err)
	got, wrapped, err := s.OpenDayFile(t.Context(), newer.ID)
	require.NoError(t, err)
	require.Equal(t, newer.Wrapped, wrapped)
	require.Equal(t, list[1], got)
	known, err := s.ExistingDayFiles(t.Context(), []string{old.ID, other.ID, newer.ID})
	require.NoError(t, err)
	require.Equal(t, map[string]bool{other.ID: true, newer.ID: true}, known)
	none, err := s.ExistingDayFiles(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, none)
}

// sameID blocks the publication of a file with this ID at its last step.
const sameID = `insert into satchel.day_files (account_sid, resource_type, day, id, records, size, sha256, expires_at)
	values ('AC of another', 'Calls', '2026-01-01', $1, 0, 0, '', now())`

func TestReadingOnAfterTheLastFileMissesNone(t *testing.T) {
	s := openBulk(t)
	slow := aFile(schema.NewAccountID())
	quick := aFile(slow.Account)
	quick.Day = "2026-03-01"
	var got []string
	var after int64
	read := func() {
		page, err := s.DayFiles(context.Background(), slow.Account, schema.Calls, after, 10)
		require.NoError(t, err)
		for _, f := range page {
			got, after = append(got, f.ID), f.Seq
		}
	}
	race(t, s.DB, sameID, []any{slow.ID},
		func() { published(t, s, slow, "") },
		func() { published(t, s, quick, ""); read() })
	read()
	require.Equal(t, []string{slow.ID, quick.ID}, got)
}

func TestARebuiltFileKeepsItsNameAndExpiry(t *testing.T) {
	s := openBulk(t)
	o := opened(t, s, schema.NewAccountID())
	rebuilt := aFile(o.Account)
	rebuilt.Rebuild, rebuilt.Retention = true, 10*week
	published(t, s, rebuilt, rebuilt.ID)
	require.False(t, hasRow(t, s, rebuilt.ID), "there was nothing to replace")

	first := aFile(o.Account)
	first.Job = o.ID
	begin(t, s, o.ID, first.Day)
	published(t, s, first, "")
	before := file(t, s, first)
	published(t, s, rebuilt, first.ID)
	after := file(t, s, rebuilt)
	require.Equal(t, rebuilt.ID, after.ID)
	require.Equal(t, []any{before.ExpiresAt, before.Name, before.Job}, []any{after.ExpiresAt, after.Name, after.Job})
	require.Greater(t, after.Seq, before.Seq)
	require.True(t, after.CreatedAt.After(before.CreatedAt))

	require.NoError(t, s.DestroyDayKey(t.Context(), rebuilt.ID))
	third := rebuilt
	third.ID = schema.NewDayFileID()
	published(t, s, third, third.ID)
	expired := aFile(o.Account)
	expired.Day, expired.Retention = "2026-01-01", 0
	published(t, s, expired, "")
	third.Day = expired.Day
	published(t, s, third, third.ID)
}

func TestAFileWithoutAKeyOrExpiredIsVisibleOnlyToTheSweep(t *testing.T) {
	s := openBulk(t)
	account := schema.NewAccountID()
	blank, expired, expiredLater := aFile(account), aFile(account), aFile(account)
	expired.Day, expired.Retention = "2026-01-01", -2*time.Hour
	expiredLater.Day, expiredLater.Retention = "2026-01-02", -time.Hour
	for _, f := range []schema.NewDayFile{blank, expiredLater, expired} {
		published(t, s, f, "")
	}
	require.Equal(t, blank.ID, file(t, s, blank).ID)
	require.NoError(t, s.DestroyDayKey(t.Context(), blank.ID))
	for _, f := range []schema.NewDayFile{blank, expired} {
		_, err := s.DayFile(t.Context(), account, f.Type, f.Day)
		requireNotFound(t, err)
		_, _, err = s.OpenDayFile(t.Context(), f.ID)
		requireNotFound(t, err)
		require.True(t, hasRow(t, s, f.ID))
	}
	list, err := s.DayFiles(t.Context(), account, schema.Calls, 0, 10)
	require.NoError(t, err)
	require.Empty(t, list)
	list, err = s.LatestDayFiles(t.Context(), account, 10)
	require.NoError(t, err)
	require.Empty(t, list)
	late, err := s.ExpiredDayFiles(t.Context(), 10)
	require.NoError(t, err)
	require.Len(t, late, 2)
	require.Equal(t, []string{expired.ID, expiredLater.ID}, []string{late[0].ID, late[1].ID}, "oldest first")

	for range 2 {
		require.NoError(t, s.DeleteDayRow(t.Context(), expired.ID, "satchel", schema.Certificate{Objects: 1}))
	}
	require.False(t, hasRow(t, s, expired.ID))
	trails, err := s.AuditTrails(t.Context(), account, []string{expired.ID})
	require.NoError(t, err)
	require.Len(t, trails[expired.ID], 1)
	require.Equal(t, store.ActionRemoved, trails[expired.ID][0].Action)
	require.Equal(t, 1, trails[expired.ID][0].Objects)

	fresh := aFile(account)
	published(t, s, fresh, blank.ID)
	require.Equal(t, fresh.ID, file(t, s, fresh).ID, "its key is there")
}

func TestNoFileThatWasReadBeforeAnErasureIsPublishedAfterIt(t *testing.T) {
	s := openBulk(t)
	account := schema.NewAccountID()
	erasure := func(call string) []schema.Erasure {
		return []schema.Erasure{{Call: call, Day: "2026-02-28"}, {Call: call + " of another day", Day: "2026-02-27"}}
	}
	require.NoError(t, eraseCalls(s, account, "", erasure("CA0")))
	_, err := s.PublishDayFile(t.Context(), aFile(account))
	require.ErrorIs(t, err, schema.ErrStaleAttempt)
	messages := aFile(account)
	messages.Type = schema.Messages
	published(t, s, messages, "")

	// An erasure waits for a publication that began before it: its file exists and becomes outdated.
	f := aFile(account)
	f.Erased = []string{"CA0"}
	var seen bool
	race(t, s.DB, sameID, []any{f.ID},
		func() { published(t, s, f, "") },
		func() {
			require.NoError(t, eraseCalls(s, account, "", erasure("CA1")))
			seen = hasRow(t, s, f.ID)
		})
	require.True(t, seen)
	rebuilt := aFile(account)
	rebuilt.Rebuild, rebuilt.Erased = true, []string{"CA0"}
	_, err = s.PublishDayFile(t.Context(), rebuilt)
	require.ErrorIs(t, err, schema.ErrStaleAttempt)
	rebuilt.Erased = []string{"CA0", "CA1"}
	published(t, s, rebuilt, f.ID)
}

func TestAStaleFileLeavesItsDayRunning(t *testing.T) {
	s := openBulk(t)
	o := opened(t, s, schema.NewAccountID())
	f := aFile(o.Account)
	f.Job = o.ID
	begin(t, s, o.ID, f.Day)
	require.NoError(t, eraseCalls(s, o.Account, "", []schema.Erasure{{Call: "CA1", Day: f.Day}}))
	_, err := s.PublishDayFile(t.Context(), f)
	require.ErrorIs(t, err, schema.ErrStaleAttempt)
	require.Equal(t, schema.DayRunning, statusesOf(t, s, o.ID)[1])
	f.Erased = []string{"CA1"}
	published(t, s, f, "")
	require.Equal(t, schema.DayCompleted, statusesOf(t, s, o.ID)[1])
}

func TestTheErrorOfAnEarlierAttemptDoesNotKeepTheNextFromEndingTheDay(t *testing.T) {
	s := openBulk(t)
	o := opened(t, s, schema.NewAccountID())
	f := aFile(o.Account)
	f.Job = o.ID
	begin(t, s, o.ID, f.Day)
	begin(t, s, o.ID, f.Day) // the next attempt
	require.NoError(t, s.MarkDayRetrying(t.Context(), o.ID, f.Day))
	published(t, s, f, "")
	require.Equal(t, schema.DayCompleted, statusesOf(t, s, o.ID)[1])
}

// outdated lists the account's outdated files.
func outdated(t *testing.T, s *store.BulkExports, account string) (files []string) {
	t.Helper()
	list, err := s.OutdatedDayFiles(t.Context(), "", 100)
	require.NoError(t, err)
	for _, f := range list {
		is, err := s.IsDayFileOutdated(t.Context(), f.Account, f.Day)
		require.NoError(t, err)
		require.True(t, is)
		if f.Account == account {
			files = append(files, f.ID)
		}
	}
	return files
}

func TestAFileWithAnErasedCallIsHiddenAfterMinutesEvenIfItIsNotRebuilt(t *testing.T) {
	s := openBulk(t)
	f := aFile(schema.NewAccountID())
	messages, other, late := aFile(f.Account), aFile(f.Account), f
	messages.Type, other.Day, late.ID = schema.Messages, "2026-03-01", schema.NewDayFileID()
	for _, f := range []schema.NewDayFile{f, messages, other} {
		published(t, s, f, "")
	}
	list := func() (files []string) {
		list, err := s.LatestDayFiles(t.Context(), f.Account, 10)
		require.NoError(t, err)
		for _, f := range list {
			files = append(files, f.ID)
		}
		return files
	}
	require.NoError(t, eraseCalls(s, f.Account, "", []schema.Erasure{{Call: "CA1", Day: f.Day}}))
	require.Contains(t, list(), f.ID, "a rebuild has minutes to replace it")
	_, err := s.SQL().Exec(`update satchel.day_files set outdated_since = outdated_since - interval '5 minutes'`)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{messages.ID, other.ID}, list())
	_, err = s.DayFile(t.Context(), f.Account, f.Type, f.Day)
	requireNotFound(t, err)
	_, _, err = s.OpenDayFile(t.Context(), f.ID)
	requireNotFound(t, err)
	require.Equal(t, []string{f.ID}, outdated(t, s, f.Account))

	late.Rebuild, late.Erased = true, []string{"CA1"}
	published(t, s, late, f.ID)
	require.Equal(t, late.ID, file(t, s, f).ID, "it is visible again")
}

// The clock of a database that took over may be behind.
func TestAFileIsOutdatedByWhatWasErasedAndNotByWhen(t *testing.T) {
	s := openBulk(t)
	f := aFile(schema.NewAccountID())
	published(t, s, f, "")
	_, err := s.SQL().Exec(`update satchel.day_files set created_at = created_at + interval '4 seconds'`)
	require.NoError(t, err)
	require.NoError(t, eraseCalls(s, f.Account, "", []schema.Erasure{{Call: "CA1", Day: f.Day}}))
	require.Equal(t, []string{f.ID}, outdated(t, s, f.Account), "the call was erased before the file was published, by the clocks")
	f.ID, f.Rebuild, f.Erased = schema.NewDayFileID(), true, []string{"CA2"}
	_, err = s.PublishDayFile(t.Context(), f)
	require.ErrorIs(t, err, schema.ErrStaleAttempt, "as many as were erased, but others")
	f.Erased = []string{"CA1"}
	_, err = s.PublishDayFile(t.Context(), f)
	require.NoError(t, err)
	_, err = s.SQL().Exec(`update satchel.erased_calls set at = at + interval '1 hour'`)
	require.NoError(t, err)
	require.Empty(t, outdated(t, s, f.Account), "the file leaves it out, whenever it was erased")
	require.Equal(t, f.ID, file(t, s, f).ID)
}

func TestOnlyAFileThatIsOlderThanAnErasureIsOutdated(t *testing.T) {
	s := openBulk(t)
	f := aFile(schema.NewAccountID())
	erase := func(call string) {
		require.NoError(t, eraseCalls(s, f.Account, "", []schema.Erasure{{Call: call, Day: f.Day}}))
	}
	erase("CA0")
	require.Empty(t, outdated(t, s, f.Account), "there is no file")
	f.Erased = []string{"CA0"}
	published(t, s, f, "")
	erase("CA0")
	require.Empty(t, outdated(t, s, f.Account), "it was known before")
	is, err := s.IsDayFileOutdated(t.Context(), f.Account, f.Day)
	require.NoError(t, err)
	require.False(t, is)
	erase("CA1")
	require.Equal(t, []string{f.ID}, outdated(t, s, f.Account))
	require.NoError(t, s.DestroyDayKey(t.Context(), f.ID))
	require.Empty(t, outdated(t, s, f.Account), "it is being deleted")
}

func TestAFileThatIsDeletedDuringItsRebuildStaysDeleted(t *testing.T) {
	s := openBulk(t)
	f := aFile(schema.NewAccountID())
	published(t, s, f, "")
	wanted := file(t, s, f)
	rebuilt, later := f, f
	rebuilt.ID, rebuilt.Rebuild, later.ID, later.Rebuild = schema.NewDayFileID(), true, schema.NewDayFileID(), true
	var deleted string
	race(t, s.DB, sameID, []any{rebuilt.ID}, // the file is replaced in the transaction, which waits for the lock
		func() { published(t, s, rebuilt, f.ID) },
		func() {
			var err error
			deleted, err = s.DestroyLatestDayKey(context.Background(), wanted)
			require.NoError(t, err)
		})
	require.Equal(t, rebuilt.ID, deleted)
	published(t, s, later, later.ID)
	_, err := s.DayFile(t.Context(), f.Account, f.Type, f.Day)
	requireNotFound(t, err)

	other := aFile(f.Account)
	published(t, s, other, rebuilt.ID)
	deleted, err = s.DestroyLatestDayKey(t.Context(), wanted)
	require.NoError(t, err)
	require.Empty(t, deleted, "it was replaced by a file with its own expiry")
	require.Equal(t, other.ID, file(t, s, f).ID)
}

func TestAFileWhoseObjectTheSweepMayHaveDeletedIsNotPublished(t *testing.T) {
	s := openBulk(t)
	f := aFile(schema.NewAccountID())
	f.ReadAt = f.ReadAt.Add(-10 * time.Minute)
	_, err := s.PublishDayFile(t.Context(), f)
	require.ErrorIs(t, err, schema.ErrStaleAttempt)
	require.False(t, hasRow(t, s, f.ID))
}

func TestTheKeysOfAllExpiredFilesAreDestroyedAtOnce(t *testing.T) {
	s := openBulk(t)
	kept, expired, expiredToo := aFile(schema.NewAccountID()), aFile(schema.NewAccountID()), aFile(schema.NewAccountID())
	expired.Retention, expiredToo.Retention = -time.Hour, -2*time.Hour
	for _, f := range []schema.NewDayFile{kept, expired, expiredToo} {
		published(t, s, f, "")
	}
	require.NoError(t, s.DestroyExpiredDayKeys(t.Context()))
	var blank []string
	rows, err := s.SQL().Query(`select id from satchel.day_files where wrapped is null`)
	require.NoError(t, err)
	defer rows.Close() //nolint:errcheck // it was read to its end
	for rows.Next() {
		var id string
		require.NoError(t, rows.Scan(&id))
		blank = append(blank, id)
	}
	require.NoError(t, rows.Err())
	require.ElementsMatch(t, []string{expired.ID, expiredToo.ID}, blank)
}

func TestADayDownloadUnderWayMayGoOnUntilItsFileIsDeletedOrReplaced(t *testing.T) {
	s := openBulk(t)
	f := aFile(schema.NewAccountID())
	published(t, s, f, "")
	got := file(t, s, f)
	require.NoError(t, s.DayDownloadAllowed(t.Context(), f.ID, got.ExpiresAt))
	newer := f
	newer.ID = schema.NewDayFileID()
	published(t, s, newer, f.ID)
	requireNotFound(t, s.DayDownloadAllowed(t.Context(), f.ID, got.ExpiresAt))
	require.NoError(t, s.DayDownloadAllowed(t.Context(), newer.ID, got.ExpiresAt))
	require.NoError(t, s.DestroyDayKey(t.Context(), newer.ID))
	requireNotFound(t, s.DayDownloadAllowed(t.Context(), newer.ID, got.ExpiresAt))
	require.NoError(t, s.DayDownloadAllowed(t.Context(), newer.ID, time.Now().Add(-time.Second)), "its key is destroyed because it has expired")
}
