package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestUnsubscribingEndsNoticesToThatUserOnly(t *testing.T) {
	s := openBulk(t)
	user, other := schema.NewUserID(), schema.NewUserID()
	for range 2 {
		require.NoError(t, s.Unsubscribe(t.Context(), user))
	}
	unsubscribed, err := s.Unsubscribed(t.Context(), []string{user, other})
	require.NoError(t, err)
	require.Equal(t, map[string]bool{user: true}, unsubscribed)
	unsubscribed, err = s.Unsubscribed(t.Context(), []string{other})
	require.NoError(t, err)
	require.Empty(t, unsubscribed)
}
