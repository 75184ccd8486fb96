package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestOnlyOwnersAndAdminsMayExport(t *testing.T) {
	require.True(t, schema.Owner.MayExport())
	require.True(t, schema.Admin.MayExport())
	require.False(t, schema.Member.MayExport())
	require.False(t, schema.Role("").MayExport())
}
