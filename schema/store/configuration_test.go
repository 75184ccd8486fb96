package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/store"
)

func TestAConfigurationChangesOnlyTheGivenFields(t *testing.T) {
	s := openBulk(t)
	account := schema.NewAccountID()
	unset := func(list schema.ResourceType) schema.BulkConfiguration {
		return schema.BulkConfiguration{Account: account, Type: list}
	}
	c, err := s.Configuration(t.Context(), account, schema.Calls)
	require.NoError(t, err)
	require.Equal(t, unset(schema.Calls), c)

	yes, no, url, post, none := true, false, "https://hooks.example.com/daily", "POST", ""
	want := unset(schema.Calls)
	for _, step := range []struct {
		change  schema.BulkChange
		enabled bool
		hook    schema.Hook
	}{
		{schema.BulkChange{Enabled: &yes}, true, schema.Hook{}},
		{schema.BulkChange{URL: &url, Method: &post}, true, schema.Hook{URL: url, Method: post}},
		{schema.BulkChange{Enabled: &no}, false, schema.Hook{URL: url, Method: post}},
		{schema.BulkChange{}, false, schema.Hook{URL: url, Method: post}},
		{schema.BulkChange{URL: &none, Method: &none}, false, schema.Hook{}},
	} {
		want.Enabled, want.Hook = step.enabled, step.hook
		c, err = s.Configure(t.Context(), account, schema.Calls, "US-by", step.change)
		require.NoError(t, err)
		require.Equal(t, want, c)
	}
	_, err = s.Configure(t.Context(), account, schema.Calls, "SK-by", schema.BulkChange{Enabled: &yes})
	require.NoError(t, err)
	var actors []string
	for _, e := range audited(t, s.DB, string(schema.Calls)) {
		require.Equal(t, []string{account, string(store.Configured)}, []string{e.Account, string(e.Action)})
		actors = append(actors, e.Actor)
	}
	require.Equal(t, []string{"US-by", "US-by", "US-by", "US-by", "SK-by"}, actors, "one of the changes changed nothing")
	all, err := s.Configurations(t.Context(), account)
	require.NoError(t, err)
	want.Enabled = true
	require.Equal(t, []schema.BulkConfiguration{unset(schema.Messages), want, unset(schema.Conferences), unset(schema.Participants)}, all)
}

func TestHalfAWebhookChangesNothing(t *testing.T) {
	s := openBulk(t)
	account := schema.NewAccountID()
	yes, url, none := true, "https://hooks.example.com/daily", ""
	for _, half := range []schema.BulkChange{{Enabled: &yes, URL: &url}, {Enabled: &yes, URL: &none, Method: &url}} {
		_, err := s.Configure(t.Context(), account, schema.Messages, "US-by", half)
		require.Equal(t, schema.Invalid, schema.KindOf(err))
		c, err := s.Configuration(t.Context(), account, schema.Messages)
		require.NoError(t, err)
		require.Equal(t, schema.BulkConfiguration{Account: account, Type: schema.Messages}, c)
	}
}

func TestAnAccountCountsAsHiddenUntilItIsVisibleAgain(t *testing.T) {
	s := openBulk(t)
	account, yes := schema.NewAccountID(), true
	record := func(visible bool) time.Duration {
		hidden, err := s.NoteSeen(t.Context(), account, schema.Calls, visible)
		require.NoError(t, err)
		return hidden
	}
	require.Zero(t, record(false), "there is no daily export")
	_, err := s.Configure(t.Context(), account, schema.Calls, "", schema.BulkChange{Enabled: &yes})
	require.NoError(t, err)
	require.Less(t, record(false), time.Minute)
	exec(t, s.DB, `update satchel.bulk_configurations set unseen_since = unseen_since - interval '5 days'`)
	require.Greater(t, record(false), 5*24*time.Hour)
	require.Zero(t, record(true))
	require.Less(t, record(false), time.Minute)
}
