package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestCategoriesHaveTitles(t *testing.T) {
	for _, c := range schema.Categories {
		require.True(t, schema.IsCategory(string(c)))
		require.NotEmpty(t, c.Title())
	}
	require.Equal(t, "phone numbers", schema.Category("phoneNumbers").Title())
	require.Equal(t, "VoIP providers", schema.Category("voipProviders").Title())
	require.False(t, schema.IsCategory("passwords"))
	require.False(t, schema.IsCategory(""))
}
