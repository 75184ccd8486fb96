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
				} else if require.ErrorIs(t, err, schema.ErrStaleAttempt); true {
					lost++
				}
			})
		}
		racing.Wait()
		require.Equal(t, []int{1, 3}, []int{won, lost})
		after = last
	}
	require.ErrorIs(t, s.AddPiece(t.Context(), o.Export, piece(4, "z"), "b"), schema.ErrStaleAttempt, "not after the last key")
	require.ErrorIs(t, s.FinishCategory(t.Context(), o.Export, "calls", 2, time.Now()), schema.ErrStaleAttempt, "not at the end of the ledger")
	require.NoError(t, s.FinishCategory(t.Context(), o.Export, "calls", 4, time.Now()))
	require.ErrorIs(t, s.AddPiece(t.Context(), o.Export, piece(4, "e"), "d"), schema.ErrStaleAttempt, "a done category takes no more")
	checkpoint, err := s.Checkpoint(t.Context(), o.Export, "calls")
	require.NoError(t, err)
	require.Equal(t, schema.Checkpoint{Done: true, Records: 40, Bytes: 400, Pieces: 4, LastKey: "d"}, checkpoint)
}

func TestAnEndedExportAcceptsNoPieces(t *testing.T) {
	s := open(t)
	o := confirmed(t, s)
	require.NoError(t, s.BeginCategory(t.Context(), o.Export, "calls", 1))
	require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{Status: schema.Cancelled, Reason: schema.ReasonCancelled}, "US", schema.Certificate{}))
	err := s.AddPiece(t.Context(), o.Export, schema.Piece{Category: "calls", LastKey: "a", ReadAt: time.Now()}, "")
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
		require.NoError(t, s.FinishCategory(t.Context(), o.Export, c, 0, time.Now()))
	}
	sections, err := s.Sections(t.Context(), o.Export)
	require.NoError(t, err)
	require.Len(t, sections, 2)
	e, err := s.Export(t.Context(), o.Export)
	require.NoError(t, err)
	require.Len(t, e.Categories, 2)
}
