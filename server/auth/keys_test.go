package auth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/server/auth"
)

func TestTheAddressOfTheHostsKeysIsCheckedUntilTheyWereFetched(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	i.failing.Store(true)
	check := auth.CheckKeys(i.url)
	require.Equal(t, schema.Unavailable, schema.KindOf(check(t.Context())))
	i.failing.Store(false)
	require.NoError(t, check(t.Context()))
	i.failing.Store(true)
	require.NoError(t, check(t.Context()), "people with known keys can sign in")

	mistaken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/page":
			_, _ = w.Write([]byte("<html></html>"))
		case "/none":
			_, _ = w.Write([]byte(`{"keys": []}`))
		case "/moved":
			http.Redirect(w, r, i.url, http.StatusMovedPermanently)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(mistaken.Close)
	for _, path := range []string{"/page", "/none", "/moved", "/missing"} {
		err := auth.CheckKeys(mistaken.URL + path)(t.Context())
		require.ErrorContains(t, err, "JWKS_URL leads to no keys", path)
		require.Empty(t, schema.KindOf(err), path)
	}
}
