package vault

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestAnOpenerReadsTheObjectsOfItsExport(t *testing.T) {
	v, w := testVault(t)
	requireNoLeakedGoroutines(t, w)
	ctx := context.WithoutCancel(t.Context()) // so that only Close can end the goroutines
	account, export := schema.NewAccountID(), schema.NewExportID()
	recipient, wrapped, err := v.NewKey(t.Context(), account, export)
	require.NoError(t, err)
	key, body := schema.ExportPrefix(export)+"archive", randomBytes(12<<20)
	require.NoError(t, v.Put(t.Context(), key, recipient, body))

	opener, err := v.Unlock(t.Context(), wrapped, account, export)
	require.NoError(t, err)
	got, err := opener.Get(t.Context(), key, nil)
	require.NoError(t, err)
	require.True(t, bytes.Equal(body, got))
	r, err := opener.Open(ctx, key)
	require.NoError(t, err)
	got, err = io.ReadAll(r)
	require.NoError(t, err)
	require.True(t, bytes.Equal(body, got))
	require.NoError(t, r.Close())

	r, err = opener.Open(ctx, key)
	require.NoError(t, err)
	_, err = io.ReadFull(r, make([]byte, 100_000))
	require.NoError(t, err)
	require.NoError(t, r.Close(), "before the end")

	_, err = opener.Open(t.Context(), key+"-2")
	require.ErrorIs(t, err, ErrNotFound)
	_, err = v.Unlock(t.Context(), wrapped, account, schema.NewExportID())
	require.ErrorIs(t, err, ErrUnreadable)
}
