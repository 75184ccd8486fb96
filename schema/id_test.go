package schema_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestAnIdempotencyKeyNamesOneExportOfOneRequester(t *testing.T) {
	secret := []byte("secret")
	id := schema.ExportIDFor(secret, "AC1", "US1", "key")
	require.True(t, schema.IsExportID(id))
	require.Equal(t, id, schema.ExportIDFor(secret, "AC1", "US1", "key"))
	for _, other := range [][3]string{{"AC2", "US1", "key"}, {"AC1", "US2", "key"}, {"AC1", "US1", "key2"}, {"AC1U", "S1", "key"}, {"AC1", "US1k", "ey"}} {
		require.NotEqual(t, id, schema.ExportIDFor(secret, other[0], other[1], other[2]))
	}
	require.NotEqual(t, id, schema.ExportIDFor([]byte("other"), "AC1", "US1", "key"))
}

func TestAnIDHasOneForm(t *testing.T) {
	forms := map[string]func(string) bool{
		"AC": schema.IsAccountID, "EX": schema.IsExportID, "US": schema.IsUserID, "JS": schema.IsJobID, "DF": schema.IsDayFileID,
	}
	for prefix, is := range forms {
		for other := range forms {
			require.Equal(t, other == prefix, is(other+strings.Repeat("0af9", 8)))
		}
		for _, wrong := range []string{
			"", prefix, prefix + strings.Repeat("0", 31), prefix + strings.Repeat("0", 33), prefix + strings.Repeat("g", 32),
			prefix + strings.Repeat("A", 32), " " + prefix + strings.Repeat("0", 32), prefix + strings.Repeat("0", 32) + "\n",
			strings.ToLower(prefix) + strings.Repeat("0", 32),
		} {
			require.False(t, is(wrong), "%q", wrong)
		}
	}
	require.True(t, schema.IsEventID("0123abcd-0123-abcd-0123-0123456789ab"))
	for _, wrong := range []string{"", "0123abcd-0123-abcd-0123-0123456789a", "0123ABCD-0123-abcd-0123-0123456789ab", "x0123abcd-0123-abcd-0123-0123456789ab", "0123abcd0123abcd01230123456789ab", "0123abcd-0123-abcd-0123-0123456789ab\n"} {
		require.False(t, schema.IsEventID(wrong), "%q", wrong)
	}
}

func TestNewIDsHaveTheirFormAndDiffer(t *testing.T) {
	for _, id := range []struct {
		make func() string
		is   func(string) bool
	}{
		{schema.NewAccountID, schema.IsAccountID}, {schema.NewExportID, schema.IsExportID}, {schema.NewUserID, schema.IsUserID},
		{schema.NewJobID, schema.IsJobID}, {schema.NewDayFileID, schema.IsDayFileID},
		{schema.NewAPIKeyID, func(s string) bool { return strings.HasPrefix(s, "SK") && schema.IsUserID("US"+s[2:]) }},
	} {
		one := id.make()
		require.True(t, id.is(one), one)
		require.NotEqual(t, one, id.make())
	}
}
