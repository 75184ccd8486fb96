package store_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestSegmentsOfAnEndedExportAreNotStored(t *testing.T) {
	s := open(t)
	o := collected(t, s)
	require.NoError(t, end(s, o.Export)())
	err := s.AddSegments(t.Context(), o.Export, "key", []schema.Segment{{}})
	require.ErrorIs(t, err, schema.ErrStaleAttempt)
	require.Zero(t, countOf(t, s.DB, "segments", o.Export))
}

func TestTheFirstCollectorMovesTheExportToProcessing(t *testing.T) {
	s := open(t)
	o := newExport()
	require.NoError(t, s.OpenExport(t.Context(), o))
	_, err := s.StartCollecting(t.Context(), o.Export)
	require.Equal(t, schema.Conflict, schema.KindOf(err), "it is not confirmed")
	require.NoError(t, s.ConfirmExport(t.Context(), o.Export, o.RequestedBy, "r", []byte("w")))
	for range 2 {
		_, err = s.StartCollecting(t.Context(), o.Export)
		require.NoError(t, err)
	}
	e, err := s.Export(t.Context(), o.Export)
	require.NoError(t, err)
	require.Equal(t, schema.Processing, e.Status)
}

func TestTwoCollectorsNeitherLoseARecordNorWriteOneTwice(t *testing.T) {
	s := open(t)
	o := confirmed(t, s)
	const query = "q1"
	_, err := s.ResumeCategory(t.Context(), o.Export, "calls", query, "")
	require.NoError(t, err)
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
				err := s.AddPiece(context.Background(), o.Export, piece(seq, last), query, after)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if require.ErrorIs(t, err, schema.ErrStaleAttempt); true {
					lost++
				}
			})
		}
		racing.Wait()
		require.Equal(t, []int{1, 3}, []int{won, lost})
		after = last
	}
	require.ErrorIs(t, s.AddPiece(t.Context(), o.Export, piece(4, "z"), query, "b"), schema.ErrStaleAttempt, "not after the last key")
	require.ErrorIs(t, s.FinishCategory(t.Context(), o.Export, "calls", query, schema.Checkpoint{Pieces: 2, LastKey: "b"}, time.Now()), schema.ErrStaleAttempt, "not at the end of the ledger")
	require.NoError(t, s.FinishCategory(t.Context(), o.Export, "calls", query, schema.Checkpoint{Pieces: 4, LastKey: "d"}, time.Now()))
	require.ErrorIs(t, s.AddPiece(t.Context(), o.Export, piece(4, "e"), query, "d"), schema.ErrStaleAttempt, "a done category takes no more")
	checkpoint, err := s.Checkpoint(t.Context(), o.Export, "calls")
	require.NoError(t, err)
	require.Equal(t, schema.Checkpoint{Done: true, Records: 40, Bytes: 400, Pieces: 4, LastKey: "d"}, checkpoint)
}

func TestAnEndedExportAcceptsNoPieces(t *testing.T) {
	s := open(t)
	o := confirmed(t, s)
	require.NoError(t, s.BeginCategory(t.Context(), o.Export, "calls", 1))
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{Status: schema.Cancelled, Reason: schema.ReasonCancelled}, "US", schema.Certificate{}))
	err := s.AddPiece(t.Context(), o.Export, schema.Piece{Category: "calls", LastKey: "a", ReadAt: time.Now()}, "", "")
	require.ErrorIs(t, err, schema.ErrStaleAttempt)
	_, err = s.StartCollecting(t.Context(), o.Export)
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
	require.Len(t, sections, len(schema.Categories))
	for i, section := range sections {
		require.Equal(t, schema.Categories[i], section.Category)
	}
}

func TestAnExportHasTheCategoriesThatItBeganWith(t *testing.T) {
	s, o := open(t), newExport()
	o.Categories = schema.Categories[:2]
	require.NoError(t, s.OpenExport(t.Context(), o))
	_, err := s.Sections(t.Context(), o.Export)
	require.Equal(t, schema.Conflict, schema.KindOf(err))
	for _, c := range o.Categories {
		require.NoError(t, s.FinishCategory(t.Context(), o.Export, c, "", schema.Checkpoint{}, time.Now()))
	}
	sections, err := s.Sections(t.Context(), o.Export)
	require.NoError(t, err)
	require.Len(t, sections, 2)
	e, err := s.Export(t.Context(), o.Export)
	require.NoError(t, err)
	require.Len(t, e.Categories, 2)
}

// ledgerPiece is one of ten records.
func ledgerPiece(seq int, key, last string) schema.Piece {
	return schema.Piece{Category: "calls", Seq: seq, ObjectKey: key, Records: 10, TextBytes: 100, GzipBytes: 10, FirstKey: last, LastKey: last, ReadAt: time.Now()}
}

func TestAnotherQueryBeginsACategoryAnewAndTheOldOnesAttemptAddsNothingMore(t *testing.T) {
	s := open(t)
	o := confirmed(t, s)
	resume := func(query string) schema.Checkpoint {
		p, err := s.ResumeCategory(t.Context(), o.Export, "calls", query, "")
		require.NoError(t, err)
		require.NoError(t, s.BeginCategory(t.Context(), o.Export, "calls", 40))
		return p
	}
	add := func(query string, seq int, last, after string) error {
		return s.AddPiece(t.Context(), o.Export, ledgerPiece(seq, query+last, last), query, after)
	}
	require.Zero(t, resume("q1"))
	require.NoError(t, add("q1", 0, "a", ""))
	require.NoError(t, add("q1", 1, "b", "a"))
	require.Equal(t, schema.Checkpoint{Records: 20, Bytes: 200, Pieces: 2, LastKey: "b"}, resume("q1"), "the same query continues")
	require.Zero(t, resume("q2"))
	require.Zero(t, countOf(t, s.DB, "pieces", o.Export))

	// The old attempt is still alive. Not even where the ledger stands as it left it does it add a piece.
	require.ErrorIs(t, add("q1", 2, "c", "b"), schema.ErrStaleAttempt)
	require.NoError(t, add("q2", 0, "a", ""))
	require.NoError(t, add("q2", 1, "b", "a"))
	require.ErrorIs(t, add("q1", 2, "c", "b"), schema.ErrStaleAttempt)
	require.ErrorIs(t, s.FinishCategory(t.Context(), o.Export, "calls", "q1", schema.Checkpoint{Pieces: 2, LastKey: "b"}, time.Now()), schema.ErrStaleAttempt)
	require.NoError(t, s.FinishCategory(t.Context(), o.Export, "calls", "q2", schema.Checkpoint{Pieces: 2, LastKey: "b"}, time.Now()))
	require.True(t, resume("q1").Done, "what is done has one shape and stays")
}

func TestNoPieceIsAddedWhileACategoryBeginsAnew(t *testing.T) {
	s := open(t)
	o := confirmed(t, s)
	_, err := s.ResumeCategory(t.Context(), o.Export, "calls", "q1", "")
	require.NoError(t, err)
	require.NoError(t, s.BeginCategory(t.Context(), o.Export, "calls", 40))
	var added error
	race(t, s.DB, `select 1 from satchel.categories where export_id = $1 and category = 'calls' for update`, []any{o.Export},
		func() { _, err = s.ResumeCategory(context.Background(), o.Export, "calls", "q2", "") },
		func() { added = s.AddPiece(context.Background(), o.Export, ledgerPiece(0, "k", "a"), "q1", "") })
	require.NoError(t, err)
	checkpoint, err := s.Checkpoint(t.Context(), o.Export, "calls")
	require.NoError(t, err)
	require.Zero(t, checkpoint, "added: %v", added)
	require.Zero(t, countOf(t, s.DB, "pieces", o.Export))
}

func TestADamagedPieceAndAllBehindItAreCollectedAgainOnce(t *testing.T) {
	s := open(t)
	o := confirmed(t, s)
	_, err := s.ResumeCategory(t.Context(), o.Export, "calls", "q", "")
	require.NoError(t, err)
	require.NoError(t, s.BeginCategory(t.Context(), o.Export, "calls", 40))
	for seq, last := range []string{"a", "b", "c"} {
		require.NoError(t, s.AddPiece(t.Context(), o.Export, ledgerPiece(seq, "first-"+last, last), "q", []string{"", "a", "b"}[seq]))
	}
	require.NoError(t, s.FinishCategory(t.Context(), o.Export, "calls", "q", schema.Checkpoint{Pieces: 3, LastKey: "c"}, time.Now()))

	again := func() schema.Checkpoint {
		p, err := s.ResumeCategory(t.Context(), o.Export, "calls", "q", "first-b")
		require.NoError(t, err)
		return p
	}
	require.Equal(t, schema.Checkpoint{Records: 10, Bytes: 100, Pieces: 1, LastKey: "a"}, again())
	require.Equal(t, 1, countOf(t, s.DB, "pieces", o.Export))
	require.NoError(t, s.AddPiece(t.Context(), o.Export, ledgerPiece(1, "second-b", "b"), "q", "a"))
	require.Equal(t, 2, again().Pieces, "a retry goes on behind what is new")
	require.NoError(t, s.FinishCategory(t.Context(), o.Export, "calls", "q", schema.Checkpoint{Pieces: 2, LastKey: "b"}, time.Now()))
	require.True(t, again().Done, "a late attempt drops nothing that is new")
}
