package bulkexport_test

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/activities/bulkexport"
	"satchel/schema"
)

// schedules remembers what was scheduled, by account and type.
type schedules map[string]bool

func (s schedules) SetDaily(_ context.Context, account string, t schema.ResourceType, enabled bool) error {
	s[account+"/"+string(t)] = enabled
	return nil
}

// directory is a source with the account of a test.
type directory struct {
	bulkexport.Source
	account schema.Account
	err     error
}

func (d directory) Account(context.Context, string) (schema.Account, error) { return d.account, d.err }

func TestASuspendedAccountHasNoDailyExport(t *testing.T) {
	r := newDayFixture(t)
	r.Source = directory{r.Source, schema.Account{ID: r.account.AccountSID, Suspended: true}, nil}
	require.Equal(t, bulkexport.WriteDayResult{Status: schema.DayDeleted}, r.writeDay(bulkexport.WriteDayInput{Type: schema.Messages}))
	require.Empty(t, r.dayObjects())
	job := r.openJob(someDay, someDay)
	require.Equal(t, schema.DayCompleted, r.writeDay(bulkexport.WriteDayInput{Type: schema.Messages, Job: job}).Status, "what it asked for before is")
}

func TestADailyExportThatWasDisabledIsNeitherWrittenNorReported(t *testing.T) {
	r := newDayFixture(t)
	account, on, off, url, post := r.account.AccountSID, true, false, "https://hooks.example.com", "POST"
	configure := func(change schema.BulkChange) {
		_, err := r.store.Configure(t.Context(), account, schema.Messages, "", change)
		require.NoError(t, err)
	}
	write := func() (result bulkexport.WriteDayResult) {
		require.NoError(t, r.get(&result, r.WriteDay, bulkexport.WriteDayInput{Account: account, Type: schema.Messages, Day: someDay, Limits: schema.DefaultBulkLimits()}))
		return result
	}
	require.Equal(t, schema.DayDeleted, write().Status, "it was never enabled")
	configure(schema.BulkChange{Enabled: &on, URL: &url, Method: &post})
	require.Equal(t, schema.DayCompleted, write().Status)
	configure(schema.BulkChange{Enabled: &off})
	before := r.dayObjects()
	require.Equal(t, schema.DayDeleted, write().Status)
	require.Equal(t, before, r.dayObjects())
	for _, status := range []schema.DayStatus{schema.DayCompleted, schema.DayFailed} {
		event := "none"
		require.NoError(t, r.get(&event, r.RecordDailyResult, bulkexport.RecordDailyResultInput{Account: account, Type: schema.Messages, Day: someDay, Status: status}))
		require.Empty(t, event, "it was disabled while it waited")
	}
	configure(schema.BulkChange{Enabled: &on})
	r.Off = true
	require.Equal(t, schema.DayDeleted, write().Status, "there are no bulk exports here")
}

func TestTheWeekOfAnAccountThatIsGoneBeginsWithTheFirstAttemptThatDoesNotFindIt(t *testing.T) {
	r := newDayFixture(t)
	account, yes := r.account.AccountSID, true
	_, err := r.store.Configure(t.Context(), account, schema.Messages, "", schema.BulkChange{Enabled: &yes})
	require.NoError(t, err)
	isVisible := func() (seen bool) {
		require.NoError(t, r.store.SQL().QueryRow(`select unseen_since is null from satchel.bulk_configurations`).Scan(&seen))
		return seen
	}
	shown := r.Source
	r.Source = directory{shown, schema.Account{}, io.ErrUnexpectedEOF}
	require.Error(t, r.tryDay(bulkexport.WriteDayInput{Type: schema.Messages}, nil))
	require.True(t, isVisible(), "the source could not be read")
	r.Source = directory{shown, schema.Account{}, schema.Errorf(schema.NotFound, schema.CodeAccountNotFound, "There is no such account.")}
	require.Error(t, r.tryDay(bulkexport.WriteDayInput{Type: schema.Messages}, nil))
	require.False(t, isVisible())
	r.Source = directory{shown, schema.Account{ID: account, Suspended: true}, nil}
	r.writeDay(bulkexport.WriteDayInput{Type: schema.Messages})
	require.True(t, isVisible(), "it is there after all")
}

func TestTheDailyExportsOfAnAccountThatIsGoneEndAfterAWeek(t *testing.T) {
	r := newDayFixture(t)
	found := schedules{}
	r.Schedules = found
	account, yes, url, post := r.account.AccountSID, true, "https://hooks.example.com", "POST"
	_, err := r.store.Configure(t.Context(), account, schema.Messages, "", schema.BulkChange{Enabled: &yes, URL: &url, Method: &post})
	require.NoError(t, err)
	record := func(status schema.DayStatus) (event string) {
		require.NoError(t, r.get(&event, r.RecordDailyResult, bulkexport.RecordDailyResultInput{Account: account, Type: schema.Messages, Day: someDay, Status: status}))
		return event
	}
	enabled := func() bool {
		now, err := r.store.Configuration(t.Context(), account, schema.Messages)
		require.NoError(t, err)
		return now.Enabled
	}
	require.NotEmpty(t, record(schema.DayFailed), "the account is there")
	shown := r.Source
	r.Source = directory{shown, schema.Account{}, schema.Errorf(schema.NotFound, schema.CodeAccountNotFound, "There is no such account.")}
	require.Empty(t, record(schema.DayFailed), "the account is gone")
	r.exec(`update satchel.bulk_configurations set unseen_since = now() - interval '6 days'`)
	require.Empty(t, record(schema.DayFailed))
	require.True(t, enabled())
	r.exec(`update satchel.bulk_configurations set unseen_since = now() - interval '8 days'`)
	require.NotEmpty(t, record(schema.DayCompleted), "it was there")
	require.Empty(t, record(schema.DayFailed))
	require.True(t, enabled(), "the week begins anew")
	r.exec(`update satchel.bulk_configurations set unseen_since = now() - interval '8 days'`)
	require.Empty(t, record(schema.DayFailed))
	require.False(t, enabled())
	require.Equal(t, map[string]bool{account + "/Messages": false}, map[string]bool(found))
}
