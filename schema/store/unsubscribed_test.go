package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestWhoeverUnsubscribedStaysSoForThatAccountOnly(t *testing.T) {
	s := open(t)
	account, user := schema.NewAccountID(), schema.NewUserID()
	for range 2 {
		require.NoError(t, s.Unsubscribe(t.Context(), account, user))
	}
	who, err := s.Unsubscribed(t.Context(), account)
	require.NoError(t, err)
	require.Equal(t, map[string]bool{user: true}, who)
	who, err = s.Unsubscribed(t.Context(), schema.NewAccountID())
	require.NoError(t, err)
	require.Empty(t, who)
}
