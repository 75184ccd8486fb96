package auth_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/catalog"
	"satchel/schema/directory/demo"
	"satchel/schema/store"
	"satchel/schema/store/source"
	"satchel/server/auth"
	"satchel/server/respond"
)

func TestMain(m *testing.M) { testservices.Main(m) }

// fixture is a platform with an account, behind HTTP.
type fixture struct {
	t      *testing.T
	rows   *sqlx.DB
	url    string
	issuer *issuer

	account              string
	owner, admin, member string
	token                string // the account's own
	key, secret          string // an API key of the owner

	meanwhile func() // called before /long reauthorizes

	mu  sync.Mutex
	now time.Time
}

// settings change the options of a fixture's Auth.
type settings func(*auth.Options)

func newFixture(t *testing.T, change ...settings) *fixture {
	t.Helper()
	at := testservices.Database(t)
	own, err := store.Open(at, 5)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, own.Close()) })
	platform, err := source.Open(t.Context(), at, 5)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, platform.Close()) })
	rows, err := sqlx.Open("postgres", at)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, rows.Close()) })
	queries, err := catalog.Embedded()
	require.NoError(t, err)

	fx := &fixture{
		t: t, rows: rows, issuer: newIssuer(t), now: time.Now(),
		account: schema.NewAccountID(), token: "the account's auth token", key: schema.NewAPIKeyID(), secret: "the key's secret",
	}
	fx.addAccount(fx.account, fx.token)
	fx.owner, fx.admin, fx.member = fx.addUser(fx.account, "owner"), fx.addUser(fx.account, "admin"), fx.addUser(fx.account, "member")
	fx.exec(`insert into platform.api_keys (sid, account_sid, user_sid, name, secret_sha256) values ($1, $2, $3, 'key', $4)`,
		fx.key, fx.account, fx.owner, sum(fx.secret))

	options := auth.Options{
		Directory: platform.Directory(source.DirectoryQueries{People: queries.People(), Account: queries.Account(), Credentials: queries.Credentials()}),
		Dev:       platform.Directory(source.DirectoryQueries{People: demo.People}),
		Sessions:  own.Sessions(), Site: "http://127.0.0.1", Host: fx.issuer.host(), Now: fx.clock,
	}
	for _, c := range change {
		c(&options)
	}
	fx.url = fx.serve(auth.New(options))
	return fx
}

// serve serves routes of every access.
func (fx *fixture) serve(a *auth.Auth) string {
	e := echo.New()
	e.HideBanner = true
	e.IPExtractor = echo.ExtractIPDirect()
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		status := map[schema.Kind]int{
			schema.Unauthenticated: 401, schema.Forbidden: 403, schema.NotFound: 404, schema.Limited: 429, schema.Unavailable: 503, schema.Invalid: 400,
		}[schema.KindOf(err)]
		if status == 0 {
			status = 500
			if spoken, ok := err.(*echo.HTTPError); ok {
				status = spoken.Code
			}
		}
		require.NoError(fx.t, c.String(status, err.Error()))
	}
	r := respond.NewRouter(e)
	e.Use(a.Identify, auth.Authorize)
	a.Register(r)
	whoami := func(c echo.Context) error {
		p, err := auth.Of(c)
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, p)
	}
	done := func(c echo.Context) error { return c.NoContent(http.StatusNoContent) }
	r.Add(http.MethodGet, "/", whoami, respond.Policy{Access: respond.SignedIn})
	r.Add(http.MethodGet, "/background", whoami, respond.Policy{Access: respond.SignedIn, Background: true})
	r.Add(http.MethodGet, "/exports", done, respond.Policy{Access: respond.Exporter})
	r.Add(http.MethodGet, "/basic", done, respond.Policy{Access: respond.ExporterByBasic})
	r.Add(http.MethodGet, "/anyone", done, respond.Policy{Access: respond.Anyone})
	r.Add(http.MethodGet, "/public", done, respond.Policy{Access: respond.Public})
	r.Add(http.MethodGet, "/long", func(c echo.Context) error {
		fx.meanwhile()
		if err := auth.Reauthorize(c.Request().Context(), c); err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	}, respond.Policy{Access: respond.Exporter})
	r.Add(http.MethodGet, "/file", func(c echo.Context) error {
		fx.meanwhile()
		if err := auth.StillAllowed(c.Request().Context(), c); err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	}, respond.Policy{Access: respond.Exporter, File: true})
	r.Add(http.MethodGet, "/choices", func(c echo.Context) error {
		people, err := a.DevUsers(c.Request().Context(), c)
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, people)
	}, respond.Policy{Access: respond.Anyone})
	server := httptest.NewServer(e)
	fx.t.Cleanup(server.Close)
	return server.URL
}

func (fx *fixture) clock() time.Time {
	fx.mu.Lock()
	defer fx.mu.Unlock()
	return fx.now
}

func (fx *fixture) pass(d time.Duration) {
	fx.mu.Lock()
	defer fx.mu.Unlock()
	fx.now = fx.now.Add(d)
}

func (fx *fixture) exec(query string, args ...any) {
	fx.t.Helper()
	_, err := fx.rows.Exec(query, args...)
	require.NoError(fx.t, err)
}

func (fx *fixture) addAccount(sid, token string) {
	fx.t.Helper()
	fx.exec(`insert into platform.accounts (sid, name, auth_token_sha256) values ($1, 'Analytical Engines', $2)`, sid, sum(token))
}

func (fx *fixture) addUser(account, role string) string {
	fx.t.Helper()
	sid := schema.NewUserID()
	fx.exec(`insert into platform.users (sid, account_sid, email, name, role) values ($1, $2, $1 || '@example.com', 'Ada', $3)`, sid, account, role)
	return sid
}

func sum(secret string) []byte {
	s := sha256.Sum256([]byte(secret))
	return s[:]
}

// response is an HTTP response, read to its end.
type response struct {
	status  int
	header  http.Header
	cookies []*http.Cookie
	body    string
}

// principal is the principal that the server identified.
func (a response) principal(t *testing.T) auth.Principal {
	t.Helper()
	require.Equal(t, http.StatusOK, a.status, a.body)
	var p auth.Principal
	require.NoError(t, json.Unmarshal([]byte(a.body), &p))
	return p
}

// send sends a request without cookies.
func (fx *fixture) send(method, path string, change ...func(*http.Request)) response {
	fx.t.Helper()
	return fx.do(&http.Client{CheckRedirect: stay}, method, path, change...)
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (fx *fixture) do(client *http.Client, method, path string, change ...func(*http.Request)) response {
	fx.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, fx.url+path, nil)
	require.NoError(fx.t, err)
	for _, c := range change {
		c(req)
	}
	res, err := client.Do(req)
	require.NoError(fx.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(fx.t, err)
	return response{res.StatusCode, res.Header, res.Cookies(), string(body)}
}

// browser keeps cookies.
func (fx *fixture) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	require.NoError(fx.t, err)
	return &http.Client{Jar: jar, CheckRedirect: stay}
}

func bearing(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func knowing(name, secret string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(name, secret) }
}

func form(values url.Values) func(*http.Request) {
	return func(r *http.Request) {
		r.Body = io.NopCloser(strings.NewReader(values.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
}
