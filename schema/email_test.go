package schema_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestAnEmailHasOneKeyForEachKindPersonAndLinkVersion(t *testing.T) {
	require.Equal(t, "confirmation/US1/2", schema.EmailKey(schema.ConfirmationEmail, "US1", 2))
}

func TestAnAddressThatCannotBeMailedIsRefused(t *testing.T) {
	for _, fine := range []string{"ada@example.com", "ada+x.y@mail.example.co.uk", "o'hara_1@xn--exmple-cua.de", "A@B.io", "x@3com.com"} {
		require.NoError(t, schema.CheckEmailAddress(fine), fine)
	}
	for address, sentence := range map[string]string{
		"":                                      "not a single plain",
		"ada":                                   "not a single plain",
		"Ada <ada@example.com>":                 "not a single plain",
		"a@example.com, b@example.com":          "not a single plain",
		`"a b"@example.com`:                     "not a single plain",
		"joe@localhost":                         "no domain",
		"joe@192.0.2.1":                         "no domain",
		"joe@example.1":                         "no domain",
		"joe@example.c":                         "no domain",
		"joe@-a.com":                            "no domain",
		"joe@a_b.com":                           "no domain",
		"jörg@exämple.de":                       "ASCII",
		"joe@exämple.de":                        "xn--",
		strings.Repeat("a", 65) + "@b.io":       "not a single plain",
		"a@" + strings.Repeat("b.", 126) + "io": "not a single plain",
	} {
		require.ErrorContains(t, schema.CheckEmailAddress(address), sentence, address)
	}
}
