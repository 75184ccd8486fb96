package main

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
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
