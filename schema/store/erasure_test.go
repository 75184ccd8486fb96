package store_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/store"
)

func TestErasingACallAgainChangesNothing(t *testing.T) {
	s := openBulk(t)
	account, by := schema.NewAccountID(), schema.NewUserID()
	calls := []schema.Erasure{{Call: "CA2", Day: "2026-03-01"}, {Call: "CA1", Day: "2026-03-01"}, {Call: "CA3", Day: "2026-02-28"}, {Call: "CA1", Day: "2026-03-01"}}
	backwards := []schema.Erasure{calls[2], calls[1], calls[0]}
	var erasing sync.WaitGroup
	for range 8 { // without a deadlock
		erasing.Go(func() { require.NoError(t, eraseCalls(s, account, by, calls)) })
		erasing.Go(func() { require.NoError(t, eraseCalls(s, account, by, backwards)) })
	}
	erasing.Wait()
	require.NoError(t, eraseCalls(s, account, by, nil))

	for day, want := range map[schema.Day][]string{"2026-03-01": {"CA1", "CA2"}, "2026-02-28": {"CA3"}, "2026-02-27": {}} {
		got, err := s.ErasedCalls(t.Context(), account, day)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, call := range []string{"CA1", "CA2", "CA3"} {
		require.Equal(t, []store.AuditEvent{{Account: account, Subject: call, Actor: by, Action: store.ActionErased}}, audited(t, s.DB, call))
	}
	day, erased, err := s.ErasedCall(t.Context(), account, "CA3")
	require.NoError(t, err)
	require.True(t, erased)
	require.Equal(t, schema.Day("2026-02-28"), day)
	_, erased, err = s.ErasedCall(t.Context(), schema.NewAccountID(), "CA3")
	require.NoError(t, err)
	require.False(t, erased, "it belongs to another account")
}
