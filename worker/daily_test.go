package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/workflows"
	bulkworkflows "satchel/workflows/bulkexport"
	workflowclient "satchel/workflows/client"
)

// schedules remembers what was scheduled, and calls meanwhile.
type schedules struct {
	daily     map[string]bool
	meanwhile func(account string)
}

func (s schedules) SetDaily(_ context.Context, account string, t schema.ResourceType, enabled bool) error {
	s.daily[account+"/"+string(t)] = enabled
	if s.meanwhile != nil {
		s.meanwhile(account)
	}
	return nil
}

func TestAWorkerThatStartsSchedulesEveryDailyExport(t *testing.T) {
	r := newFixture(t)
	want := map[string]bool{}
	for n := range 130 { // more than a page
		account := fmt.Sprintf("AC%032x", n)
		for i, enabled := range []bool{true, false, true} {
			kind := schema.ResourceTypes[i]
			_, err := r.store.Configure(t.Context(), account, kind, "", schema.BulkChange{Enabled: &enabled})
			require.NoError(t, err)
			if enabled {
				want[account+"/"+string(kind)] = true
			}
		}
	}
	found := schedules{daily: map[string]bool{}}
	require.NoError(t, scheduleDaily(t.Context(), r.store.BulkExports, found))
	require.Equal(t, want, found.daily)

	last := fmt.Sprintf("AC%032x", 129)
	off := false
	found = schedules{daily: map[string]bool{}, meanwhile: func(account string) {
		if account == last { // it is disabled at this moment
			_, err := r.store.Configure(t.Context(), account, schema.Messages, "", schema.BulkChange{Enabled: &off})
			require.NoError(t, err)
		}
	}}
	require.NoError(t, scheduleDaily(t.Context(), r.store.BulkExports, found))
	require.False(t, found.daily[last+"/Messages"])
	require.True(t, found.daily[last+"/Conferences"])
}

// Temporal's data may have been restored to a time at which they were enabled.
func TestAWorkerThatStartsRemovesSchedulesOfDailyExportsThatAreNotEnabled(t *testing.T) {
	s := newStubFixture(t)
	var in [3]bulkworkflows.BulkDailyInput
	enabled := map[string]bool{}
	for i := range in {
		in[i] = bulkworkflows.BulkDailyInput{Account: schema.NewAccountID(), Type: schema.Calls}
		require.NoError(t, workflowclient.ScheduleDaily(t.Context(), s, in[i], time.Minute))
		enabled[in[i].Account] = i > 0
		t.Cleanup(func() {
			require.NoError(t, workflowclient.UnscheduleDaily(context.WithoutCancel(t.Context()), s, in[i].Account, in[i].Type))
		})
	}
	exists := func(i int) bool {
		_, err := s.ScheduleClient().GetHandle(t.Context(), workflows.BulkDailyID(in[i].Account, in[i].Type)).Describe(t.Context())
		return err == nil
	}
	asked := map[string]int{}
	require.Eventually(t, func() bool { // a new schedule is listed a moment later
		require.NoError(t, unscheduleDaily(t.Context(), s, schedulesAdapter{s, time.Minute, schema.DefaultBulkLimits()}, func(account string, _ schema.ResourceType) (bool, error) {
			asked[account]++
			if _, mine := enabled[account]; !mine {
				return true, nil
			}
			return enabled[account] && (account != in[2].Account || asked[account] > 1), nil // the last is enabled meanwhile
		}))
		return !exists(0) && asked[in[1].Account] > 0 && asked[in[2].Account] > 1
	}, 20*time.Second, 50*time.Millisecond)
	require.True(t, exists(1))
	require.True(t, exists(2))
}
