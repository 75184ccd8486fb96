package main

import (
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/activities"
	"satchel/dev/demo"
	"satchel/schema"
)

// schedules remembers what was scheduled, and does something else meanwhile.
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

func TestDailyExportsAreScheduledAgainByAWorkerThatStarts(t *testing.T) {
	r := newRig(t, demo.With{}, nil)
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
		if account == last { // whoever switches it off this very moment
			_, err := r.store.Configure(t.Context(), account, schema.Messages, "", schema.BulkChange{Enabled: &off})
			require.NoError(t, err)
		}
	}}
	require.NoError(t, scheduleDaily(t.Context(), r.store.BulkExports, found))
	require.False(t, found.daily[last+"/Messages"])
	require.True(t, found.daily[last+"/Conferences"])
}

// directory is a source that shows accounts as a test likes.
type directory struct {
	activities.Source
	account schema.Account
	err     error
}

func (d directory) Account(context.Context, string) (schema.Account, error) { return d.account, d.err }

func TestNothingIsExportedEveryDayOfASuspendedAccount(t *testing.T) {
	r := newBulkRig(t)
	r.Source = directory{r.Source, schema.Account{ID: r.account.AccountSID, Suspended: true}, nil}
	require.Equal(t, activities.WrittenDay{Status: schema.DayDeleted}, r.writeDay(activities.WriteDay{Type: schema.Messages}))
	require.Empty(t, r.dayObjects())
	job := r.openJob(someDay, someDay)
	require.Equal(t, schema.DayCompleted, r.writeDay(activities.WriteDay{Type: schema.Messages, Job: job}).Status, "what it asked for before is")
}

func TestTheWeekOfAnAccountThatIsGoneBeginsWithTheFirstAttemptThatDoesNotFindIt(t *testing.T) {
	r := newBulkRig(t)
	account, yes := r.account.AccountSID, true
	_, err := r.store.Configure(t.Context(), account, schema.Messages, "", schema.BulkChange{Enabled: &yes})
	require.NoError(t, err)
	isSeen := func() (seen bool) {
		require.NoError(t, r.store.SQL().QueryRow(`select unseen_since is null from satchel.bulk_configurations`).Scan(&seen))
		return seen
	}
	shown := r.Source
	r.Source = directory{shown, schema.Account{}, io.ErrUnexpectedEOF}
	require.Error(t, r.tryDay(activities.WriteDay{Type: schema.Messages}, nil))
	require.True(t, isSeen(), "nobody could look")
	r.Source = directory{shown, schema.Account{}, schema.Errorf(schema.NotFound, "account_not_found", "There is no such account.")}
	require.Error(t, r.tryDay(activities.WriteDay{Type: schema.Messages}, nil))
	require.False(t, isSeen())
	r.Source = directory{shown, schema.Account{ID: account, Suspended: true}, nil}
	r.writeDay(activities.WriteDay{Type: schema.Messages})
	require.True(t, isSeen(), "it is there after all, of which nobody is told")
}

func TestTheDailyExportsOfAnAccountThatIsGoneEndAfterAWeek(t *testing.T) {
	r := newBulkRig(t)
	found := schedules{daily: map[string]bool{}}
	r.Schedules = found
	account, yes, url, post := r.account.AccountSID, true, "https://hooks.example.com", "POST"
	_, err := r.store.Configure(t.Context(), account, schema.Messages, "", schema.BulkChange{Enabled: &yes, URL: &url, Method: &post})
	require.NoError(t, err)
	told := func(status schema.DayStatus) (event string) {
		require.NoError(t, r.run(r.TellDaily, activities.DailyEnd{Account: account, Type: schema.Messages, Day: someDay, Status: status}, &event))
		return event
	}
	enabled := func() bool {
		now, err := r.store.Configuration(t.Context(), account, schema.Messages)
		require.NoError(t, err)
		return now.Enabled
	}
	require.NotEmpty(t, told(schema.DayFailed), "the account is there")
	shown := r.Source
	r.Source = directory{shown, schema.Account{}, schema.Errorf(schema.NotFound, "account_not_found", "There is no such account.")}
	require.Empty(t, told(schema.DayFailed), "nobody is there to be told")
	r.exec(`update satchel.bulk_configurations set unseen_since = now() - interval '6 days'`)
	require.Empty(t, told(schema.DayFailed))
	require.True(t, enabled())
	r.exec(`update satchel.bulk_configurations set unseen_since = now() - interval '8 days'`)
	require.NotEmpty(t, told(schema.DayCompleted), "it was there")
	require.Empty(t, told(schema.DayFailed))
	require.True(t, enabled(), "the week begins anew")
	r.exec(`update satchel.bulk_configurations set unseen_since = now() - interval '8 days'`)
	require.Empty(t, told(schema.DayFailed))
	require.False(t, enabled())
	require.Equal(t, map[string]bool{account + "/Messages": false}, found.daily)
}
