package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/workflows"
	workflowclient "satchel/workflows/client"
)

// schedules remembers what was scheduled, and calls meanwhile.
type schedules struct {
	mu        sync.Mutex
	existing  map[workflowclient.DailySchedule]bool
	daily     map[string]bool
	meanwhile func(account string) error
}

func (s *schedules) ListDaily(context.Context) (map[workflowclient.DailySchedule]bool, error) {
	return maps.Clone(s.existing), nil
}

func (s *schedules) SetDaily(_ context.Context, account string, t schema.ResourceType, enabled bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.daily[account+"/"+string(t)] = enabled
	if s.meanwhile != nil {
		return s.meanwhile(account)
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
	found := &schedules{daily: map[string]bool{}}
	require.NoError(t, scheduleDaily(t.Context(), r.store.BulkExports, found, false))
	require.Equal(t, want, found.daily)

	last := fmt.Sprintf("AC%032x", 129)
	off := false
	found = &schedules{daily: map[string]bool{}, meanwhile: func(account string) error {
		if account == last { // it is disabled at this moment
			_, err := r.store.Configure(t.Context(), account, schema.Messages, "", schema.BulkChange{Enabled: &off})
			return err
		}
		return nil
	}}
	require.NoError(t, scheduleDaily(t.Context(), r.store.BulkExports, found, false))
	require.False(t, found.daily[last+"/Messages"])
	require.True(t, found.daily[last+"/Conferences"])
}

func TestOnlySchedulesThatDifferAreSetAndThoseThatShouldNotBeAreDeleted(t *testing.T) {
	r := newFixture(t)
	on := true
	existing := map[workflowclient.DailySchedule]bool{}
	for n := range 40 {
		account := fmt.Sprintf("AC%032x", n)
		_, err := r.store.Configure(t.Context(), account, schema.Calls, "", schema.BulkChange{Enabled: &on})
		require.NoError(t, err)
		if n < 30 {
			existing[workflowclient.DailySchedule{Account: account, Type: schema.Calls}] = n != 7 // one has other settings
		}
	}
	existing[workflowclient.DailySchedule{Account: "ACoff", Type: schema.Calls}] = true
	found := &schedules{existing: existing, daily: map[string]bool{}}
	failures := 3
	found.meanwhile = func(string) error {
		if failures--; failures == 0 {
			return errors.New("Temporal is away")
		}
		return nil
	}
	require.ErrorContains(t, scheduleDaily(t.Context(), r.store.BulkExports, found, false), "Temporal is away")
	for schedule := range found.daily { // what was set before the error is listed when the worker tries again
		account, kind, _ := workflows.ParseBulkDailyID("bulk-daily/" + schedule)
		existing[workflowclient.DailySchedule{Account: account, Type: kind}] = found.daily[schedule]
	}
	require.NoError(t, scheduleDaily(t.Context(), r.store.BulkExports, found, false))
	want := map[string]bool{fmt.Sprintf("AC%032x/Calls", 7): true, "ACoff/Calls": false}
	for n := range 10 {
		want[fmt.Sprintf("AC%032x/Calls", 30+n)] = true
	}
	require.Equal(t, want, found.daily)

	found = &schedules{existing: map[workflowclient.DailySchedule]bool{{Account: "ACoff", Type: schema.Calls}: true}, daily: map[string]bool{}}
	found.existing[workflowclient.DailySchedule{Account: fmt.Sprintf("AC%032x", 1), Type: schema.Calls}] = true
	found.meanwhile = func(account string) error { // it is enabled at this moment
		if account != "ACoff" {
			return nil
		}
		_, err := r.store.Configure(t.Context(), account, schema.Calls, "", schema.BulkChange{Enabled: &on})
		return err
	}
	require.NoError(t, scheduleDaily(t.Context(), r.store.BulkExports, found, false))
	require.True(t, found.daily["ACoff/Calls"])

	found.daily, found.meanwhile = map[string]bool{}, nil
	require.NoError(t, scheduleDaily(t.Context(), r.store.BulkExports, found, true))
	require.Equal(t, map[string]bool{"ACoff/Calls": false, fmt.Sprintf("AC%032x/Calls", 1): false}, found.daily, "bulk exports are off")
}

func TestOneWorkerAtATimeSchedulesDailyExports(t *testing.T) {
	r := newFixture(t)
	var mu sync.Mutex
	running, most := 0, 0
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			err := r.store.Exclusively(t.Context(), "daily schedules", func(context.Context) error {
				mu.Lock()
				running++
				most = max(most, running)
				mu.Unlock()
				err := r.store.Ping(t.Context())
				mu.Lock()
				running--
				mu.Unlock()
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.Equal(t, 1, most)
}

func TestTemporalsSchedulesBecomeTheEnabledDailyExports(t *testing.T) {
	r := newFixture(t)
	c, err := client.Dial(client.Options{HostPort: testservices.Temporal(t), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	on, off := true, false
	for n := range 3 {
		_, err := r.store.Configure(t.Context(), fmt.Sprintf("ACdaily%d", n), schema.Calls, "", schema.BulkChange{Enabled: &on})
		require.NoError(t, err)
	}
	temporal := schedulesAdapter{c, 15 * time.Minute, schema.DefaultBulkLimits()}
	listed := func() (list map[string]bool) {
		found, err := temporal.ListDaily(t.Context())
		require.NoError(t, err)
		list = map[string]bool{}
		for s, current := range found {
			list[s.Account] = current
		}
		return list
	}
	becomes := func(want map[string]bool) {
		t.Helper()
		require.NoError(t, scheduleDaily(t.Context(), r.store.BulkExports, temporal, false))
		require.Eventually(t, func() bool { return maps.Equal(want, listed()) }, 20*time.Second, 50*time.Millisecond, "%v", slices.Collect(maps.Keys(want)))
	}
	becomes(map[string]bool{"ACdaily0": true, "ACdaily1": true, "ACdaily2": true})
	_, err = r.store.Configure(t.Context(), "ACdaily1", schema.Calls, "", schema.BulkChange{Enabled: &off})
	require.NoError(t, err)
	becomes(map[string]bool{"ACdaily0": true, "ACdaily2": true}) // Temporal was restored from before it was switched off

	temporal.delay = time.Hour
	require.Equal(t, map[string]bool{"ACdaily0": false, "ACdaily2": false}, listed())
	becomes(map[string]bool{"ACdaily0": true, "ACdaily2": true})
	for _, account := range []string{"ACdaily0", "ACdaily2"} {
		require.NoError(t, temporal.SetDaily(t.Context(), account, schema.Calls, false))
	}
}
