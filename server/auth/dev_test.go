package auth_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/server/auth"
)

func TestDevSignInSignsInAnyUser(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	browser := fx.browser()
	a := fx.do(browser, http.MethodGet, "/dev/sign-in?user="+fx.member+"&return=/settings/data-export")
	require.Equal(t, http.StatusSeeOther, a.status, a.body)
	require.Equal(t, "/settings/data-export", a.header.Get("Location"))
	require.Equal(t, auth.Principal{Account: fx.account, User: fx.member, Role: schema.Member, Method: auth.Session},
		fx.do(browser, http.MethodGet, "/").principal(t))

	choices := fx.send(http.MethodGet, "/choices")
	for _, user := range []string{fx.owner, fx.admin, fx.member} {
		require.Contains(t, choices.body, user)
	}
	require.Equal(t, http.StatusNotFound, fx.send(http.MethodGet, "/dev/sign-in?user="+schema.NewUserID()).status)
	require.Equal(t, http.StatusBadRequest, fx.send(http.MethodGet, "/dev/sign-in").status)
}

func TestWithoutDevThereIsNoDevSignIn(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, func(o *auth.Options) { o.Dev = nil })
	require.Equal(t, http.StatusNotFound, fx.send(http.MethodGet, "/dev/sign-in?user="+fx.owner).status)
	require.JSONEq(t, "null", fx.send(http.MethodGet, "/choices").body)
}

func TestDevSignInRejectsOtherHosts(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	for _, host := range []string{"evil.example.com", "evil.example.com:80", "127.0.0.1.evil.example.com", "10.0.0.1", ""} {
		a := fx.send(http.MethodGet, "/dev/sign-in?user="+fx.owner, func(r *http.Request) { r.Host = host })
		if host == "" {
			continue // the client sends the address itself
		}
		require.Equal(t, http.StatusNotFound, a.status, host)
		require.Empty(t, a.cookies)
	}
}

func TestAfterSigningInRedirectsStayOnTheSite(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, func(o *auth.Options) { o.Site = "http://127.0.0.1/data" })
	for wanted, want := range map[string]string{
		"/settings/data-export":                       "/data/settings/data-export",
		"/confirm/abc?sent":                           "/data/confirm/abc?sent",
		"http://127.0.0.1/data/stop/x":                "/data/stop/x",
		"":                                            "/data/",
		"https://evil.example.com":                    "/data/",
		"//evil.example.com":                          "/data/",
		"/\\evil.example.com":                         "/data/",
		"\\\\evil.example.com":                        "/data/",
		"/\t/evil.example.com":                        "/data/",
		"/\n/evil.example.com":                        "/data/",
		" //evil.example.com":                         "/data/",
		"javascript:alert(1)":                         "/data/",
		"http:/evil.example.com":                      "/data/",
		"http://127.0.0.1/data.evil.example.com":      "/data/",
		"http://127.0.0.1/data@evil.example.com":      "/data/",
		"http://127.0.0.1/data//evil.example.com":     "/data/",
		"http://127.0.0.1.evil.example.com/settings/": "/data/",
		"evil":    "/data/",
		"/ünlaut": "/data/",
	} {
		a := fx.send(http.MethodGet, "/dev/sign-in?"+url.Values{"user": {fx.owner}, "return": {wanted}}.Encode())
		require.Equal(t, http.StatusSeeOther, a.status)
		require.Equal(t, want, a.header.Get("Location"), "%q", wanted)
	}
}
