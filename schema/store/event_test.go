package store_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func anEvent(account string) schema.Event {
	return schema.Event{ID: uuid.NewString(), Account: account, Type: schema.Calls, Job: schema.NewJobID(),
		Hook:        schema.Hook{URL: "https://hooks.example.com/bulk", Method: "POST"},
		EventResult: schema.EventResult{Name: "March audit", Start: "2026-02-27", End: "2026-03-01", Completed: 1, Empty: 1, Failed: 1}}
}

func TestOpeningAnEventAgainChangesNothing(t *testing.T) {
	s := openBulk(t)
	job, daily := anEvent(schema.NewAccountID()), anEvent(schema.NewAccountID())
	daily.Job, daily.Day, daily.EventResult = "", "2026-02-28", schema.EventResult{Completed: 1}
	daily.At = time.Date(2026, 3, 1, 0, 15, 0, 0, time.UTC)
	for _, e := range []schema.Event{job, daily} {
		require.NoError(t, s.OpenEvent(t.Context(), e))
		later := e
		later.Name, later.URL = "another", "https://elsewhere.example.com"
		require.NoError(t, s.OpenEvent(t.Context(), later))
		got, err := s.Event(t.Context(), e.ID)
		require.NoError(t, err)
		if e.At.IsZero() {
			require.WithinDuration(t, time.Now(), got.At, time.Minute)
		} else {
			require.True(t, e.At.Equal(got.At))
		}
		e.At, e.Status = got.At, schema.EventPending
		require.Equal(t, e, got)
	}
}

func TestAnEventIsPendingUntilItIsDeliveredOrFailed(t *testing.T) {
	s := openBulk(t)
	e := anEvent(schema.NewAccountID())
	require.NoError(t, s.OpenEvent(t.Context(), e))
	requireStatus := func(want schema.EventStatus, tries int) {
		t.Helper()
		got, err := s.Event(t.Context(), e.ID)
		require.NoError(t, err)
		require.Equal(t, want, got.Status)
		require.Equal(t, tries, got.Tries)
	}
	require.NoError(t, s.RecordAttempt(t.Context(), e.ID, schema.EventAttempt{Outcome: "timed out"}))
	requireStatus(schema.EventPending, 1)
	require.NoError(t, s.MarkEventFailed(t.Context(), e.ID))
	requireStatus(schema.EventFailed, 1)
	require.NoError(t, s.ReopenEvent(t.Context(), e.ID))
	requireStatus(schema.EventPending, 1)
	require.NoError(t, s.RecordAttempt(t.Context(), e.ID, schema.EventAttempt{HTTPStatus: 204, Outcome: "delivered"}))
	requireStatus(schema.EventDelivered, 2)
	require.NoError(t, s.MarkEventFailed(t.Context(), e.ID))
	requireStatus(schema.EventDelivered, 2)
	require.NoError(t, s.ReopenEvent(t.Context(), e.ID))
	requireStatus(schema.EventPending, 2)
	requireNotFound(t, s.RecordAttempt(t.Context(), uuid.NewString(), schema.EventAttempt{Outcome: "delivered"}))
}

func TestEventsAreListedNewestFirstWithTheirLatestAttempts(t *testing.T) {
	s := openBulk(t)
	account := schema.NewAccountID()
	older, newer := anEvent(account), anEvent(account)
	for _, e := range []schema.Event{older, newer, anEvent(schema.NewAccountID())} {
		require.NoError(t, s.OpenEvent(t.Context(), e))
	}
	for i := range 7 {
		require.NoError(t, s.RecordAttempt(t.Context(), older.ID, schema.EventAttempt{HTTPStatus: 500 + i, Outcome: "refused with " + strconv.Itoa(500+i), Took: int64(i)}))
	}
	list, err := s.Events(t.Context(), account, 10)
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, []string{newer.ID, older.ID}, []string{list[0].ID, list[1].ID})
	require.Empty(t, list[0].Log)
	require.Equal(t, 7, list[1].Tries)
	require.Len(t, list[1].Log, 5)
	for i, try := range list[1].Log {
		require.Equal(t, 506-i, try.HTTPStatus)
		require.Equal(t, int64(6-i), try.Took)
	}
	first, err := s.Events(t.Context(), account, 1)
	require.NoError(t, err)
	require.Equal(t, list[:1], first)
}

func TestEventsOfOtherAccountsAreNotFound(t *testing.T) {
	s := openBulk(t)
	e := anEvent(schema.NewAccountID())
	require.NoError(t, s.OpenEvent(t.Context(), e))
	got, err := s.AccountEvent(t.Context(), e.Account, e.ID)
	require.NoError(t, err)
	require.Equal(t, e.ID, got.ID)
	_, unknown := s.AccountEvent(t.Context(), e.Account, uuid.NewString())
	requireNotFound(t, unknown)
	_, foreign := s.AccountEvent(t.Context(), schema.NewAccountID(), e.ID)
	require.Equal(t, unknown, foreign)
	for _, id := range []string{"", "x", e.ID + "0"} {
		_, malformed := s.AccountEvent(t.Context(), e.Account, id)
		require.Equal(t, unknown, malformed)
	}
}

func TestAnAccountsPendingEventsAreCountedUpToAMaximum(t *testing.T) {
	s := openBulk(t)
	account := schema.NewAccountID()
	for range 3 {
		require.NoError(t, s.OpenEvent(t.Context(), anEvent(account)))
	}
	failed := anEvent(account)
	require.NoError(t, s.OpenEvent(t.Context(), failed))
	require.NoError(t, s.MarkEventFailed(t.Context(), failed.ID))
	require.NoError(t, s.OpenEvent(t.Context(), anEvent(schema.NewAccountID())))
	for most, want := range map[int]int{2: 2, 10: 3} {
		n, err := s.CountPendingEvents(t.Context(), account, most)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
}
