package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/store"
)

func TestTheEraseCommandOnlyCountsUnlessItIsToldToErase(t *testing.T) {
	url, user := testservices.Database(t), schema.NewUserID()
	own, err := store.Open(url, 2)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, own.Close()) })
	require.NoError(t, own.BulkExports().Unsubscribe(t.Context(), user))
	erase := func(args ...string) (string, error) {
		var out bytes.Buffer
		err := start(t.Context(), append([]string{"erase", "--database-url", url}, args...), &out, &out)
		return out.String(), err
	}
	has := func() bool {
		unsubscribed, err := own.BulkExports().Unsubscribed(t.Context(), []string{user})
		require.NoError(t, err)
		return unsubscribed[user]
	}
	out, err := erase("--user", user)
	require.NoError(t, err)
	require.Contains(t, out, `"unsubscribed":1`)
	require.Contains(t, out, "nothing was changed")
	require.True(t, has())
	_, err = erase("--user", user, "--account", "AC1", "--yes")
	require.Error(t, err, "one or the other")
	_, err = erase("--yes")
	require.Error(t, err)
	require.True(t, has())
	_, err = erase("--user", user, "--yes")
	require.NoError(t, err)
	require.False(t, has())
}
