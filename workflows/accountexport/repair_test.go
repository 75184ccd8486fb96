package accountexport_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"satchel/activities"
	exportactivities "satchel/activities/accountexport"
	"satchel/schema"
	"satchel/workflows/accountexport"
)

// storage damages what is stored, as often as a test says.
type storage struct {
	damagedPieces, damagedArchives int

	recollected []string
	assembled   int
}

func (d *storage) on(s *fixture) {
	s.OnActivity(a.CollectCategory, mock.Anything, mock.MatchedBy(func(in exportactivities.CollectCategoryInput) bool { return in.Damaged != "" })).Return(
		func(_ context.Context, in exportactivities.CollectCategoryInput) error {
			d.recollected = append(d.recollected, string(in.Category)+" from "+in.Damaged)
			return nil
		}).Maybe()
	s.OnActivity(a.AssembleArchive, mock.Anything, mock.Anything).Return(
		func(ctx context.Context, _ exportactivities.AssembleArchiveInput) (exportactivities.AssembleArchiveResult, error) {
			if d.damagedPieces > 0 {
				d.damagedPieces--
				return exportactivities.AssembleArchiveResult{}, damaged(ctx, activities.DamagedObject{Category: "calls", ObjectKey: "piece"})
			}
			d.assembled++
			return exportactivities.AssembleArchiveResult{Archive: schema.Archive{ObjectKey: fmt.Sprintf("archive-%d", d.assembled)}}, nil
		})
	s.OnActivity(a.CompleteExport, mock.Anything, mock.Anything).Return(
		func(ctx context.Context, in exportactivities.CompleteExportInput) (exportactivities.CompleteExportResult, error) {
			if d.damagedArchives > 0 {
				d.damagedArchives--
				return exportactivities.CompleteExportResult{}, damaged(ctx, activities.DamagedObject{ObjectKey: in.Archive.ObjectKey})
			}
			s.completed = exportactivities.CompleteExportResult{
				CompletedAt: s.Now(), ExpiresAt: s.Now().Add(in.Windows.Download), AvailableAgainAt: s.Now().Add(in.Windows.Cooldown),
			}
			return s.completed, nil
		}).Maybe()
}

func damaged(ctx context.Context, object activities.DamagedObject) error {
	return activities.ToApplicationError(ctx, &activities.DamageError{DamagedObject: object, Cause: errors.New("sealed bytes")})
}

func TestADamagedPieceOrArchiveIsMadeAgainOnceAndThenTheExportFails(t *testing.T) {
	failed := schema.Ending{Status: schema.Failed, Reason: schema.ReasonFailed("")}
	completed := schema.Ending{Status: schema.Expired, Reason: schema.ReasonWindowPassed}
	for name, c := range map[string]struct {
		storage     storage
		ending      schema.Ending
		recollected []string
		assembled   int
	}{
		"nothing":                      {storage{}, completed, nil, 1},
		"a piece":                      {storage{damagedPieces: 1}, completed, []string{"calls from piece"}, 1},
		"an archive":                   {storage{damagedArchives: 1}, completed, nil, 2},
		"a piece twice":                {storage{damagedPieces: 2}, failed, []string{"calls from piece"}, 0},
		"an archive twice":             {storage{damagedArchives: 2}, failed, nil, 2},
		"a piece, and then an archive": {storage{damagedPieces: 1, damagedArchives: 1}, failed, []string{"calls from piece"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t)
			c.storage.on(s)
			s.signal(time.Hour, accountexport.Confirmed)
			s.run()
			require.NoError(t, s.GetWorkflowError())
			require.Equal(t, c.ending, s.ending())
			require.Equal(t, c.recollected, c.storage.recollected)
			require.Equal(t, c.assembled, c.storage.assembled)
		})
	}
}

func TestACategoryThatCannotBeCollectedAgainFailsTheExportByName(t *testing.T) {
	s := newFixture(t)
	d := storage{damagedPieces: 1}
	s.OnActivity(a.CollectCategory, mock.Anything, mock.MatchedBy(func(in exportactivities.CollectCategoryInput) bool { return in.Damaged != "" })).Return(
		func(ctx context.Context, _ exportactivities.CollectCategoryInput) error {
			return activities.ToApplicationError(ctx, schema.Errorf(schema.Conflict, schema.CodeNotProcessing, "The calls cannot be read."))
		})
	d.on(s)
	s.signal(time.Hour, accountexport.Confirmed)
	s.run()
	require.Equal(t, schema.Ending{Status: schema.Failed, Reason: schema.ReasonFailed("calls"), Category: "calls"}, s.ending())
}
