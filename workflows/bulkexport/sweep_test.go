package bulkexport_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"satchel/activities"
	bulkactivities "satchel/activities/bulkexport"
	"satchel/workflows/bulkexport"
)

// sweep lets every part of a sweep succeed of which the test expects nothing else, and
// runs it.
func (b *fixture) sweep() (bulkexport.SweepResult, error) {
	b.OnActivity(a.DestroyExpiredKeys, mock.Anything).Return(nil).Maybe()
	b.OnActivity(a.EndAbandonedJobs, mock.Anything, mock.Anything).Return(bulkactivities.EndAbandonedJobsResult{}, nil).Maybe()
	b.OnActivity(a.FindUndelivered, mock.Anything, mock.Anything).Return(bulkactivities.Undelivered{}, nil).Maybe()
	b.OnActivity(a.RequestRebuilds, mock.Anything).Return(0, nil).Maybe()
	b.OnActivity(a.EraseArchivedCalls, mock.Anything).Return(nil).Maybe()
	b.OnActivity(a.PurgeBulk, mock.Anything, mock.Anything).Return(nil).Maybe()
	err := b.run(bulkexport.BulkExportSweep, bulkexport.SweepInput{Grace: time.Minute})
	var result bulkexport.SweepResult
	if err == nil {
		require.NoError(b.t, b.GetWorkflowResult(&result))
	}
	return result, err
}

// sweepStorage is sweep for what waits for storage.
func (b *fixture) sweepStorage() (bulkexport.StorageSweepResult, error) {
	b.OnActivity(a.RemoveExpiredDayFiles, mock.Anything).Return(bulkactivities.RemoveExpiredDayFilesResult{}, nil).Maybe()
	b.OnActivity(a.RemoveOrphanedDayFiles, mock.Anything, mock.Anything).Return(activities.RemoveOrphansResult{}, nil).Maybe()
	b.OnActivity(a.ReplayErasures, mock.Anything).Return(0, nil).Maybe()
	b.OnActivity(a.CheckDayFiles, mock.Anything).Return(0, nil).Maybe()
	err := b.run(bulkexport.BulkExportStorageSweep, bulkexport.SweepInput{Grace: time.Minute})
	var result bulkexport.StorageSweepResult
	if err == nil {
		require.NoError(b.t, b.GetWorkflowResult(&result))
	}
	return result, err
}

var errAway = temporal.NewNonRetryableApplicationError("away", "storage", nil)

func TestTheSweepSendsWhatIsUndeliveredThoughOtherPartsFail(t *testing.T) {
	b := newFixture(t)
	b.OnActivity(a.EndAbandonedJobs, mock.Anything, mock.Anything).Return(bulkactivities.EndAbandonedJobsResult{Ended: 1, Undelivered: bulkactivities.Undelivered{
		Webhooks: []bulkactivities.UndeliveredWebhook{{Event: "e1", Account: b.in.Account}},
		Emails:   []activities.SendEmailInput{{About: b.in.ID, Account: b.in.Account, Kind: bulkactivities.JobEndedEmail}},
	}}, nil)
	b.OnActivity(a.FindUndelivered, mock.Anything, mock.Anything).Return(bulkactivities.Undelivered{
		Webhooks: []bulkactivities.UndeliveredWebhook{{Event: "e2", Account: b.in.Account}},
	}, nil)
	b.OnActivity(a.PurgeBulk, mock.Anything, mock.Anything).Return(errAway)
	b.OnActivity(a.RequestRebuilds, mock.Anything).Return(0, errAway)
	_, err := b.sweep()
	require.Error(t, err)
	require.ElementsMatch(t, []bulkactivities.DeliverWebhookInput{{Event: "e1", Account: b.in.Account}, {Event: "e2", Account: b.in.Account}}, b.sent)
	require.Len(t, b.mails, 1)
	require.Equal(t, bulkactivities.JobEndedEmail, b.mails[0].Kind)
}

func TestASweepThatLeavesADayFileBehindFails(t *testing.T) {
	for failed, fails := range map[int]bool{0: false, 2: true} {
		b := newFixture(t)
		b.OnActivity(a.RemoveExpiredDayFiles, mock.Anything).Return(bulkactivities.RemoveExpiredDayFilesResult{Removed: 3, Failed: failed}, nil)
		_, err := b.sweepStorage()
		require.Equal(t, fails, err != nil)
	}
}

func TestTheSweepOfStorageRemovesOrphansThoughExpiredFilesStay(t *testing.T) {
	b := newFixture(t)
	b.OnActivity(a.RemoveExpiredDayFiles, mock.Anything).Return(bulkactivities.RemoveExpiredDayFilesResult{}, errAway)
	_, err := b.sweepStorage()
	require.Error(t, err)
	b.AssertActivityNumberOfCalls(t, "RemoveOrphanedDayFiles", 1)

	b = newFixture(t)
	b.OnActivity(a.RemoveOrphanedDayFiles, mock.Anything, activities.RemoveOrphansInput{Grace: time.Minute}).Return(activities.RemoveOrphansResult{Removed: 4, Missing: 2}, nil)
	result, err := b.sweepStorage()
	require.NoError(t, err)
	require.Equal(t, bulkexport.StorageSweepResult{Orphans: 4, Missing: 2}, result)
}

func TestKeysOfExpiredFilesAreDestroyedBeforeAnythingElse(t *testing.T) {
	b := newFixture(t)
	var started []string
	b.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		b.mu.Lock()
		defer b.mu.Unlock()
		started = append(started, info.ActivityType.Name)
	})
	b.OnActivity(a.DestroyExpiredKeys, mock.Anything).After(time.Minute).Return(nil)
	b.OnActivity(a.RequestRebuilds, mock.Anything).Return(2, nil)
	result, err := b.sweep()
	require.NoError(t, err)
	require.Equal(t, bulkexport.SweepResult{Rebuilds: 2}, result)
	require.Equal(t, "DestroyExpiredKeys", started[0])
	require.Len(t, started, 6)
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(started))), 6, "each once")
}

// Each part is retried for a while; together they must not keep the next sweep waiting.
func TestPartsOfASweepThatFailAreAllReportedAndDoNotStopTheOthers(t *testing.T) {
	b := newFixture(t)
	away := temporal.NewApplicationErrorWithOptions("away", "database", temporal.ApplicationErrorOptions{NextRetryDelay: 4 * time.Minute})
	b.OnActivity(a.DestroyExpiredKeys, mock.Anything).Return(errors.New("keys stay"))
	b.OnActivity(a.EraseArchivedCalls, mock.Anything).Return(away)
	b.OnActivity(a.EndAbandonedJobs, mock.Anything, mock.Anything).Return(bulkactivities.EndAbandonedJobsResult{}, away)
	b.OnActivity(a.FindUndelivered, mock.Anything, mock.Anything).Return(bulkactivities.Undelivered{
		Webhooks: []bulkactivities.UndeliveredWebhook{{Event: "e1", Account: b.in.Account}},
	}, nil)
	began := b.Now()
	_, err := b.sweep()
	require.ErrorContains(t, err, "keys stay")
	require.ErrorContains(t, err, "EraseArchivedCalls")
	require.ErrorContains(t, err, "EndAbandonedJobs")
	require.Len(t, b.sent, 1)
	require.LessOrEqual(t, b.Now().Sub(began), time.Hour)
}
