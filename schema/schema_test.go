package schema_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestALinkIsGoodForOnePurposeAndOneExport(t *testing.T) {
	links := schema.NewLinks([]byte("0123456789abcdef0123456789abcdef"))
	export := schema.NewExportID()
	token := links.Token(schema.ToConfirm, export, 2)
	require.Equal(t, token, links.Token(schema.ToConfirm, export, 2), "a retried mail is byte-identical")

	got, generation, ok := links.Open(schema.ToConfirm, token)
	require.True(t, ok)
	require.Equal(t, export, got)
	require.Equal(t, 2, generation)

	_, _, ok = links.Open(schema.ToDownload, token)
	require.False(t, ok, "another purpose")
	_, _, ok = schema.NewLinks([]byte("another key, another key, another")).Open(schema.ToConfirm, token)
	require.False(t, ok, "another deployment")
	for i := range token {
		changed := []byte(token)
		changed[i] ^= 1
		_, _, ok = links.Open(schema.ToConfirm, string(changed))
		require.False(t, ok, "byte %d changed", i)
	}
	for _, junk := range []string{"", "a", token + "A", token[:len(token)-1], "%00"} {
		_, _, ok = links.Open(schema.ToConfirm, junk)
		require.False(t, ok)
	}
}

func TestAnIdempotencyKeyNamesOneExportOfOneRequester(t *testing.T) {
	secret := []byte("secret")
	id := schema.ExportIDFor(secret, "AC1", "US1", "key")
	require.True(t, schema.IsExportID(id))
	require.Equal(t, id, schema.ExportIDFor(secret, "AC1", "US1", "key"))
	for _, other := range [][3]string{{"AC2", "US1", "key"}, {"AC1", "US2", "key"}, {"AC1", "US1", "key2"}, {"AC1U", "S1", "key"}} {
		require.NotEqual(t, id, schema.ExportIDFor(secret, other[0], other[1], other[2]))
	}
	require.NotEqual(t, id, schema.ExportIDFor([]byte("other"), "AC1", "US1", "key"))
}

func TestKeysThatOthersMayKnowAreForOneMachine(t *testing.T) {
	for _, known := range []string{schema.NewDevelopmentLinkKey(), strings.Repeat("ab", 32), strings.Repeat("0123456789abcdef", 4)} {
		key, err := schema.ParseLinkKey(known, true)
		require.NoError(t, err)
		require.Len(t, key, 32)
		_, err = schema.ParseLinkKey(known, false)
		require.ErrorContains(t, err, "openssl rand -hex 32")
		require.NotContains(t, err.Error(), known)
	}
	_, err := schema.ParseLinkKey("8f1b2c3d4e5f60718293a4b5c6d7e8f98f1b2c3d4e5f60718293a4b5c6d7e8f9", false)
	require.NoError(t, err)
	_, err = schema.ParseLinkKey("secret", true)
	require.ErrorContains(t, err, "openssl rand -hex 32")
	require.NotContains(t, err.Error(), "secret")
}

func TestASiteIsNotReachedInTheClear(t *testing.T) {
	for _, fine := range []string{"https://export.example.com/data/", "http://127.0.0.1:8080", "http://localhost", "http://[::1]:8080"} {
		_, err := schema.ParseSite(fine)
		require.NoError(t, err)
	}
	for _, clear := range []string{"http://export.example.com", "http://10.0.0.1", "http://localhost.example.com"} {
		_, err := schema.ParseSite(clear)
		require.ErrorContains(t, err, "https://", clear)
	}
}

func TestCategoriesHaveWords(t *testing.T) {
	require.Len(t, schema.Categories, 12)
	require.Equal(t, "phone numbers", schema.Category("phoneNumbers").Title())
	require.Equal(t, "VoIP providers", schema.Category("voipProviders").Title())
	require.True(t, schema.IsCategory("calls"))
	require.False(t, schema.IsCategory("passwords"))
}

func TestOnlyOwnersAndAdminsMayExport(t *testing.T) {
	require.True(t, schema.Owner.MayExport())
	require.True(t, schema.Admin.MayExport())
	require.False(t, schema.Member.MayExport())
	require.False(t, schema.Role("").MayExport())
}
