package client_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	sdk "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"

	"satchel/schema"
	"satchel/workflows/bulkexport"
	"satchel/workflows/client"
)

func TestAResultIsNotWaitedForLongerThanItsCallerWaits(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	require.LessOrEqual(t, client.UpdateTimeout(ctx), 2*time.Second)
	require.Equal(t, bulkexport.UpdateTimeout, client.UpdateTimeout(t.Context()))
}

// A run that closes at this moment takes no updates.
func TestAnUpdateOfARunThatClosesIsSentAgainUntilTheCallerLeaves(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	closing := &mocks.Client{}
	calls := 0
	closing.On("NewWithStartWorkflowOperation", mock.Anything, mock.Anything, mock.Anything).Return(nil)
	closing.On("UpdateWithStartWorkflow", mock.Anything, mock.Anything).Run(func(args mock.Arguments) {
		if calls++; calls == 3 {
			leave()
		}
		require.NoError(t, args.Get(0).(context.Context).Err(), "a call is never broken off")
	}).Return((sdk.WorkflowUpdateHandle)(nil), serviceerror.NewNotFound("closing"))
	began := time.Now()
	require.ErrorIs(t, client.OpenBulkJob(ctx, closing, bulkexport.BulkJobInput{ID: schema.NewJobID()}), context.Canceled)
	require.Equal(t, 3, calls)
	require.Less(t, time.Since(began), 5*time.Second)
}
