package schema_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestKeysThatOthersMayKnowAreForDevelopmentOnly(t *testing.T) {
	for _, known := range []string{
		schema.NewDevelopmentLinkKey(),
		strings.Repeat("00", 32),
		strings.Repeat("ab", 32),
		strings.Repeat("0123456789abcdef", 4),
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		"e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
	} {
		key, err := schema.ParseLinkKey(known, true)
		require.NoError(t, err)
		require.Len(t, key, 32)
		_, err = schema.ParseLinkKey(known, false)
		require.ErrorContains(t, err, "openssl rand -hex 32", known)
		require.NotContains(t, err.Error(), known)
	}
	const secret = "8f1b2c3d4e5f60718293a4b5c6d7e8f98f1b2c3d4e5f60718293a4b5c6d7e8f9"
	key, err := schema.ParseLinkKey(secret, false)
	require.NoError(t, err)
	require.Equal(t, byte(0x8f), key[0])
	for _, wrong := range []string{"", "secret", secret[2:], secret + "00", strings.Repeat("xy", 32)} {
		_, err = schema.ParseLinkKey(wrong, true)
		require.ErrorContains(t, err, "openssl rand -hex 32")
		if wrong != "" {
			require.NotContains(t, err.Error(), wrong)
		}
	}
	require.NotEqual(t, schema.NewDevelopmentLinkKey(), schema.NewDevelopmentLinkKey())
}
