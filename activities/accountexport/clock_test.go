package accountexport_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"satchel/activities/accountexport"
	"satchel/dev/demo"
	"satchel/schema"
)

// Temporal's timer can fire early, and the worker's clock can be wrong.
func TestAnArchiveIsRemovedWhenTheDatabaseSaysThatItsTimeIsOver(t *testing.T) {
	r := newFixture(t, demo.With{}, nil)
	r.confirm()
	r.collectAll()
	r.complete()
	expired := schema.Ending{Status: schema.Expired, Reason: schema.ReasonWindowPassed}
	var early *temporal.ApplicationError
	require.ErrorAs(t, r.remove(expired), &early)
	require.False(t, early.NonRetryable())
	require.InDelta(t, 24*time.Hour, early.NextRetryDelay(), float64(time.Minute), "it is tried again when its time is over")
	_, err := r.store.Download(t.Context(), r.account.AccountSID, r.export)
	require.NoError(t, err)

	r.exec(`update satchel.exports set expires_at = clock_timestamp() + interval '200 milliseconds' where id = $1`, r.export)
	require.NoError(t, r.remove(expired), "a moment is waited for")
	require.Equal(t, expired, r.ended())
}

func TestTheDatabasesClockDecidesUntilWhenAnExportCanBeConfirmed(t *testing.T) {
	r := newFixture(t, demo.With{}, nil)
	left := func() (left time.Duration) {
		require.NoError(t, r.run(r.ConfirmWindowLeft, accountexport.ConfirmWindowLeftInput{Export: r.export}, &left))
		return left
	}
	require.Zero(t, left(), "the database does not have it")
	r.open()
	require.InDelta(t, time.Hour, left(), float64(time.Minute))
	r.exec(`update satchel.exports set confirm_by = now() where id = $1`, r.export)
	require.Zero(t, left())
	r.exec(`update satchel.exports set confirm_by = now() + interval '1 hour' where id = $1`, r.export)
	r.confirm()
	require.Zero(t, left(), "it is confirmed")
}
