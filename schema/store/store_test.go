package store_test

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/store"
)

func TestMain(m *testing.M) { testservices.Main(m) }

func open(t *testing.T) *store.Store {
	s, err := store.Open(testservices.Database(t), 4)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Ready(t.Context()))
	return s
}

func anOpening() schema.Opening {
	now := time.Now().UTC().Truncate(time.Microsecond)
	return schema.Opening{Export: schema.NewExportID(), Account: schema.NewAccountID(), RequestedBy: schema.NewUserID(),
		RequestedAt: now, ConfirmBy: now.Add(24 * time.Hour)}
}

// confirmed opens and confirms an export and starts its first collector.
func confirmed(t *testing.T, s *store.Store) schema.Opening {
	o := anOpening()
	require.NoError(t, s.OpenExport(t.Context(), o))
	require.NoError(t, s.ConfirmExport(t.Context(), o.Export, o.RequestedBy, "age1recipient", []byte("wrapped")))
	_, err := s.Recipient(t.Context(), o.Export)
	require.NoError(t, err)
	return o
}

func collected(t *testing.T, s *store.Store) schema.Opening {
	o := confirmed(t, s)
	for _, c := range schema.Categories {
		require.NoError(t, s.FinishCategory(t.Context(), o.Export, c, 0, time.Now()))
	}
	return o
}

func anArchive(export string) schema.Archive {
	return schema.Archive{ObjectKey: schema.ObjectPrefix(export) + "archive-1", Size: 100, SHA256: "aa", GzipSize: 10, GzipSHA256: "bb"}
}

func TestURLMustSayItsSSLMode(t *testing.T) {
	_, err := store.Open("postgres://somebody:secret@localhost/satchel", 1)
	require.ErrorContains(t, err, "sslmode")
	require.NotContains(t, err.Error(), "secret")
}

func TestOpeningTwiceIsOpeningOnce(t *testing.T) {
	s, o := open(t), anOpening()
	require.NoError(t, s.OpenExport(t.Context(), o))
	require.NoError(t, s.OpenExport(t.Context(), o))
	e, err := s.ExportOf(t.Context(), o.Account, o.Export)
	require.NoError(t, err)
	require.Equal(t, schema.Pending, e.Status)
	require.Len(t, e.Categories, 12)
	for i, c := range e.Categories {
		require.Equal(t, schema.Categories[i], c.Name, "archive order")
		require.Nil(t, c.Expected)
	}
	history, err := s.History(t.Context(), o.Export)
	require.NoError(t, err)
	require.Len(t, history, 1)
}

func TestAnExportThatLostItsRunMakesRoomForTheNext(t *testing.T) {
	s, lost := open(t), anOpening()
	require.NoError(t, s.OpenExport(t.Context(), lost))
	next := anOpening()
	next.Account = lost.Account
	require.NoError(t, s.OpenExport(t.Context(), next))
	e, err := s.Export(t.Context(), lost.Export)
	require.NoError(t, err)
	require.Equal(t, schema.Failed, e.Status)
	require.Equal(t, schema.InterruptedReason, e.Reason)
	overdue, err := s.Overdue(t.Context(), -time.Minute, "", 10)
	require.NoError(t, err)
	var found []string
	for _, o := range overdue {
		found = append(found, o.ID)
	}
	require.Contains(t, found, lost.Export, "its people are still to be told, and its removal certified")
}

func TestOtherAccountsExportsDoNotExist(t *testing.T) {
	s, o := open(t), anOpening()
	require.NoError(t, s.OpenExport(t.Context(), o))
	_, foreign := s.ExportOf(t.Context(), schema.NewAccountID(), o.Export)
	_, unknown := s.ExportOf(t.Context(), o.Account, schema.NewExportID())
	require.Equal(t, schema.NotFound, schema.KindOf(foreign))
	require.Equal(t, unknown, foreign)
	_, err := s.Download(t.Context(), schema.NewAccountID(), o.Export)
	require.Equal(t, schema.NotFound, schema.KindOf(err))
}

func TestTheFirstKeyStays(t *testing.T) {
	s, o := open(t), anOpening()
	require.NoError(t, s.OpenExport(t.Context(), o))
	require.NoError(t, s.ConfirmExport(t.Context(), o.Export, o.RequestedBy, "first", []byte("1")))
	require.NoError(t, s.ConfirmExport(t.Context(), o.Export, o.RequestedBy, "second", []byte("2")))
	recipient, err := s.Recipient(t.Context(), o.Export)
	require.NoError(t, err)
	require.Equal(t, "first", recipient)
	wrapped, err := s.WrappedKey(t.Context(), o.Export)
	require.NoError(t, err)
	require.Equal(t, []byte("1"), wrapped)
}

func TestTheFirstCollectorMovesTheExportToProcessing(t *testing.T) {
	s := open(t)
	o := anOpening()
	require.NoError(t, s.OpenExport(t.Context(), o))
	_, err := s.Recipient(t.Context(), o.Export)
	require.Equal(t, schema.Conflict, schema.KindOf(err), "nobody has confirmed")
	require.NoError(t, s.ConfirmExport(t.Context(), o.Export, o.RequestedBy, "r", []byte("w")))
	for range 2 {
		_, err = s.Recipient(t.Context(), o.Export)
		require.NoError(t, err)
	}
	e, err := s.Export(t.Context(), o.Export)
	require.NoError(t, err)
	require.Equal(t, schema.Processing, e.Status)
}

func TestTwoCollectorsCanNeitherLoseARecordNorDoubleOne(t *testing.T) {
	s := open(t)
	o := confirmed(t, s)
	require.NoError(t, s.BeginCategory(t.Context(), o.Export, "calls", 40))
	piece := func(seq int, last string) schema.Piece {
		return schema.Piece{Category: "calls", Seq: seq, ObjectKey: last, Records: 10, TextBytes: 100, GzipBytes: 10, FirstKey: "k", LastKey: last, ReadAt: time.Now()}
	}
	// Two attempts race for every piece, each sure of having read the next ten records.
	for seq, after := 0, ""; seq < 4; seq++ {
		last := string(rune('a' + seq))
		var won, lost int
		var mu sync.Mutex
		var racing sync.WaitGroup
		for range 4 {
			racing.Go(func() {
				err := s.AddPiece(context.Background(), o.Export, piece(seq, last), after)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if require.ErrorIs(t, err, schema.ErrOvertaken); true {
					lost++
				}
			})
		}
		racing.Wait()
		require.Equal(t, []int{1, 3}, []int{won, lost})
		after = last
	}
	require.ErrorIs(t, s.AddPiece(t.Context(), o.Export, piece(4, "z"), "b"), schema.ErrOvertaken, "not behind the last key")
	require.ErrorIs(t, s.FinishCategory(t.Context(), o.Export, "calls", 2, time.Now()), schema.ErrOvertaken, "not at the end of the ledger")
	require.NoError(t, s.FinishCategory(t.Context(), o.Export, "calls", 4, time.Now()))
	require.ErrorIs(t, s.AddPiece(t.Context(), o.Export, piece(4, "e"), "d"), schema.ErrOvertaken, "a done category takes no more")
	place, err := s.Place(t.Context(), o.Export, "calls")
	require.NoError(t, err)
	require.Equal(t, schema.Place{Done: true, Records: 40, Bytes: 400, Pieces: 4, LastKey: "d"}, place)
}

func TestAnEndedExportWantsNoPieces(t *testing.T) {
	s := open(t)
	o := confirmed(t, s)
	require.NoError(t, s.BeginCategory(t.Context(), o.Export, "calls", 1))
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{Status: schema.Cancelled, Reason: schema.CancelledReason}, "US", schema.Certificate{}))
	err := s.AddPiece(t.Context(), o.Export, schema.Piece{Category: "calls", LastKey: "a", ReadAt: time.Now()}, "")
	require.ErrorIs(t, err, schema.ErrOvertaken)
	_, err = s.Recipient(t.Context(), o.Export)
	require.Equal(t, schema.Conflict, schema.KindOf(err))
}

func TestSectionsWaitForEveryCategory(t *testing.T) {
	s := open(t)
	o := confirmed(t, s)
	_, err := s.Sections(t.Context(), o.Export)
	require.Equal(t, schema.Conflict, schema.KindOf(err))
	done := collected(t, s)
	sections, err := s.Sections(t.Context(), done.Export)
	require.NoError(t, err)
	require.Len(t, sections, 12)
	for i, section := range sections {
		require.Equal(t, schema.Categories[i], section.Category)
	}
}

func TestAnExportHasTheCategoriesThatItBeganWith(t *testing.T) {
	s, o := open(t), anOpening()
	o.Categories = schema.Categories[:2]
	require.NoError(t, s.OpenExport(t.Context(), o))
	_, err := s.Sections(t.Context(), o.Export)
	require.Equal(t, schema.Conflict, schema.KindOf(err))
	for _, c := range o.Categories {
		require.NoError(t, s.FinishCategory(t.Context(), o.Export, c, 0, time.Now()))
	}
	sections, err := s.Sections(t.Context(), o.Export)
	require.NoError(t, err)
	require.Len(t, sections, 2)
	e, err := s.Export(t.Context(), o.Export)
	require.NoError(t, err)
	require.Len(t, e.Categories, 2)
}

func TestDownloadEndsByTheDatabasesClockEvenIfNobodySweeps(t *testing.T) {
	s := open(t)
	o := collected(t, s)
	_, err := s.Download(t.Context(), o.Account, o.Export)
	require.Equal(t, schema.Conflict, schema.KindOf(err), "not ready: %v", err)
	a := anArchive(o.Export)
	segments := []schema.Segment{{TextOffset: 0, GzipOffset: 0}, {TextOffset: 50, GzipOffset: 5}}
	require.NoError(t, s.AddSegments(t.Context(), o.Export, a.ObjectKey, segments))
	require.NoError(t, s.AddSegments(t.Context(), o.Export, "another attempt", segments[:1]))
	e, err := s.CompleteExport(t.Context(), o.Export, a, schema.Windows{Download: 700 * time.Millisecond, Cooldown: time.Hour})
	require.NoError(t, err)
	require.Equal(t, 700*time.Millisecond, e.ExpiresAt.Sub(*e.CompletedAt))

	d, err := s.Download(t.Context(), o.Account, o.Export)
	require.NoError(t, err)
	require.Equal(t, a, d.Archive)
	require.Equal(t, segments, d.Segments)
	require.Equal(t, []byte("wrapped"), d.Wrapped)

	require.Eventually(t, func() bool {
		_, err := s.Download(t.Context(), o.Account, o.Export)
		return schema.KindOf(err) == schema.Gone
	}, 5*time.Second, 20*time.Millisecond)
}

func TestCompletingTwiceKeepsTheFirstTime(t *testing.T) {
	s := open(t)
	o := collected(t, s)
	w := schema.DefaultWindows()
	first, err := s.CompleteExport(t.Context(), o.Export, anArchive(o.Export), w)
	require.NoError(t, err)
	again, err := s.CompleteExport(t.Context(), o.Export, anArchive(o.Export), w)
	require.NoError(t, err)
	require.Equal(t, first.CompletedAt, again.CompletedAt)
}

func TestCooldownOutlivesTheRun(t *testing.T) {
	s := open(t)
	o := collected(t, s)
	_, err := s.CompleteExport(t.Context(), o.Export, anArchive(o.Export), schema.DefaultWindows())
	require.NoError(t, err)
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{Status: schema.Expired, Reason: schema.Deleted}, "US", schema.Certificate{}))
	next := anOpening()
	next.Account = o.Account
	require.Equal(t, schema.Conflict, schema.KindOf(s.OpenExport(t.Context(), next)))
}

func TestACancelledCompletionLeavesNoCooldown(t *testing.T) {
	s := open(t)
	o := collected(t, s)
	_, err := s.CompleteExport(t.Context(), o.Export, anArchive(o.Export), schema.DefaultWindows())
	require.NoError(t, err)
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{Status: schema.Cancelled, Reason: schema.CancelledReason}, "US", schema.Certificate{}))
	next := anOpening()
	next.Account = o.Account
	require.NoError(t, s.OpenExport(t.Context(), next))
}

func TestRemovalDestroysTheKeyAndKeepsTheFirstEnding(t *testing.T) {
	s := open(t)
	o := collected(t, s)
	_, err := s.CompleteExport(t.Context(), o.Export, anArchive(o.Export), schema.DefaultWindows())
	require.NoError(t, err)
	begin := func(ending schema.Ending) {
		stored, err := s.BeginRemoval(t.Context(), o.Export, ending, "US")
		require.NoError(t, err)
		require.True(t, stored)
	}
	begin(schema.Ending{Status: schema.Expired, Reason: schema.Deleted})
	begin(schema.Ending{Status: schema.Expired, Reason: schema.WindowPassed})
	_, err = s.WrappedKey(t.Context(), o.Export)
	require.Equal(t, schema.Gone, schema.KindOf(err))
	_, err = s.Download(t.Context(), o.Account, o.Export)
	require.Equal(t, schema.Gone, schema.KindOf(err))
	e, err := s.Export(t.Context(), o.Export)
	require.NoError(t, err)
	require.Equal(t, schema.Completed, e.Status, "its file is not proven gone")
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{Status: schema.Expired, Reason: schema.WindowPassed}, "satchel", schema.Certificate{Objects: 3}))
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{Status: schema.Failed, Reason: "x"}, "US", schema.Certificate{Objects: 3}))
	e, err = s.Export(t.Context(), o.Export)
	require.NoError(t, err)
	require.Equal(t, schema.Expired, e.Status)
	require.Equal(t, schema.Deleted, e.Reason)
	n, err := s.CountSince(t.Context(), o.Export, store.Removed, time.Hour)
	require.NoError(t, err)
	require.Equal(t, 1, n, "one certificate")
}

func TestSweepFindsWhatShouldHaveMoved(t *testing.T) {
	s := open(t)
	o := collected(t, s)
	found := func() []string {
		list, err := s.Overdue(t.Context(), time.Millisecond, "", 10)
		require.NoError(t, err)
		var ids []string
		for _, e := range list {
			ids = append(ids, e.ID)
		}
		return ids
	}
	require.Eventually(t, func() bool { return len(found()) == 1 }, 5*time.Second, 10*time.Millisecond, "asked for a while ago")
	_, err := s.CompleteExport(t.Context(), o.Export, anArchive(o.Export), schema.DefaultWindows())
	require.NoError(t, err)
	require.Empty(t, found(), "its window is open")
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{Status: schema.Expired, Reason: schema.Deleted}, "US", schema.Certificate{}))
	require.Empty(t, found())
	_, err = s.DB().Exec(`insert into satchel.export_keys (export_id, wrapped) values ($1, 'w')`, o.Export)
	require.NoError(t, err)
	require.Equal(t, []string{o.Export}, found(), "ended, and its key is still there, as after an old backup was restored")
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{}, "", schema.Certificate{}))
	require.Empty(t, found())

	alive, err := s.Unended(t.Context(), []string{o.Export, confirmed(t, s).Export, schema.NewExportID()})
	require.NoError(t, err)
	require.Len(t, alive, 1)
}

func TestSweepFindsARemovalThatNobodyGoesOnWith(t *testing.T) {
	s := open(t)
	o := confirmed(t, s)
	_, err := s.BeginRemoval(t.Context(), o.Export, schema.Ending{Status: schema.Cancelled, Reason: schema.CancelledReason}, "US")
	require.NoError(t, err)
	var found []schema.Overdue
	require.Eventually(t, func() bool {
		found, err = s.Overdue(t.Context(), time.Millisecond, "", 10)
		return err == nil && len(found) == 1
	}, 5*time.Second, 10*time.Millisecond)
	require.True(t, found[0].LeftToRun)
	require.Equal(t, schema.Cancelled, found[0].Status)
	alive, err := s.Unended(t.Context(), []string{o.Export})
	require.NoError(t, err)
	require.True(t, alive[o.Export], "what it has stored is still to be counted")
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{}, "", schema.Certificate{}))
	found, err = s.Overdue(t.Context(), 0, "", 10)
	require.NoError(t, err)
	require.Empty(t, found)
}

func TestOneCertificateTellsOfAllAttempts(t *testing.T) {
	s := open(t)
	o := confirmed(t, s)
	_, err := s.BeginRemoval(t.Context(), o.Export, schema.Ending{Status: schema.Cancelled, Reason: schema.CancelledReason}, "US")
	require.NoError(t, err)
	require.NoError(t, s.AddRemoved(t.Context(), o.Export, schema.Certificate{Objects: 5, Uploads: 1}))
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{}, "satchel", schema.Certificate{Objects: 2, Versions: 3}))
	require.NoError(t, s.AddRemoved(t.Context(), o.Export, schema.Certificate{Objects: 2}))
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{}, "satchel", schema.Certificate{Objects: 2}))
	var actor, certificate string
	require.NoError(t, s.DB().QueryRow(`select actor, details::text from satchel.audit where subject = $1 and action = 'removed'`, o.Export).Scan(&actor, &certificate))
	require.Equal(t, "US", actor)
	require.JSONEq(t, `{"objects":7,"versions":3,"uploads":1,"left":0}`, certificate)
	require.Equal(t, 1, rows(t, s, "removals", o.Export))
}

func TestWhatHadEndedBeforeRemovalsWereRememberedHasItsCertificate(t *testing.T) {
	s := open(t)
	o := confirmed(t, s)
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{Status: schema.Cancelled, Reason: schema.CancelledReason}, "US", schema.Certificate{Objects: 7}))
	migration, err := os.ReadFile("../migrations/satchel/00005_removals.sql")
	require.NoError(t, err)
	_, backfill, _ := strings.Cut(string(migration), "insert into")
	backfill, _, _ = strings.Cut(backfill, ";")
	_, err = s.DB().Exec("delete from satchel.removals; insert into" + backfill)
	require.NoError(t, err)
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{}, "satchel", schema.Certificate{Objects: 1}))
	n, err := s.CountSince(t.Context(), o.Export, store.Removed, time.Hour)
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

func TestASessionThatIsOverIsNotWrittenBack(t *testing.T) {
	sessions := open(t).Sessions()
	until := time.Now().Add(time.Hour)
	require.NoError(t, sessions.CommitCtx(t.Context(), "a", []byte("somebody"), until))
	require.NoError(t, sessions.CommitCtx(t.Context(), "a", []byte("somebody, still"), until))
	data, found, err := sessions.FindCtx(t.Context(), "a")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "somebody, still", string(data))
	require.NoError(t, sessions.DeleteCtx(t.Context(), "a"))
	require.NoError(t, sessions.CommitCtx(t.Context(), "a", []byte("somebody"), until), "a request was under way")
	_, found, err = sessions.FindCtx(t.Context(), "a")
	require.NoError(t, err)
	require.False(t, found)
}

func TestSessionsEndByTheDatabasesClock(t *testing.T) {
	sessions := open(t).Sessions()
	require.NoError(t, sessions.CommitCtx(t.Context(), "a", []byte("data"), time.Now().Add(time.Hour)))
	require.NoError(t, sessions.CommitCtx(t.Context(), "b", []byte("old"), time.Now().Add(-time.Hour)))
	data, found, err := sessions.FindCtx(t.Context(), "a")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, []byte("data"), data)
	_, found, err = sessions.FindCtx(t.Context(), "b")
	require.NoError(t, err)
	require.False(t, found)
	require.NoError(t, sessions.DeleteCtx(t.Context(), "a"))
	_, found, err = sessions.FindCtx(t.Context(), "a")
	require.NoError(t, err)
	require.False(t, found)
}

func TestStandingCountsByStatus(t *testing.T) {
	s := open(t)
	require.NoError(t, s.OpenExport(t.Context(), anOpening()))
	confirmed(t, s)
	standing, err := s.Standing(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, standing.Count[schema.Pending])
	require.EqualValues(t, 1, standing.Count[schema.Processing])
	require.Positive(t, standing.Oldest)
}

func TestStandingCountsWhatEndedWithinADay(t *testing.T) {
	s := open(t)
	for range 2 {
		o := anOpening()
		require.NoError(t, s.OpenExport(t.Context(), o))
		require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{Status: schema.Expired, Reason: schema.Unconfirmed}, "satchel", schema.Certificate{}))
	}
	_, err := s.DB().Exec(`update satchel.exports set ended_at = now() - interval '25 hours' where id = (select min(id) from satchel.exports)`)
	require.NoError(t, err)
	standing, err := s.Standing(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, standing.Count[schema.Expired])
}

func TestALetterIsSettledOnceAndForAll(t *testing.T) {
	s, o := open(t), anOpening()
	require.NoError(t, s.OpenExport(t.Context(), o))
	for _, c := range []struct {
		letter string
		sent   bool
	}{{"ready/US1/1", true}, {"ready/US1/1", false}, {"ready/US2/1", false}, {"ready/US3/1", false}, {"ready/US3/1", true}} {
		require.NoError(t, s.SettleLetter(t.Context(), o.Export, c.letter, c.sent))
	}
	settled, err := s.Letters(t.Context(), o.Export)
	require.NoError(t, err)
	require.Equal(t, map[string]bool{"ready/US1/1": true, "ready/US2/1": false, "ready/US3/1": true}, settled)
}
