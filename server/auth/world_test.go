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
)

func TestMain(m *testing.M) { testservices.Main(m) }

// world is a platform with an account, behind HTTP.
type world struct {
	t      *testing.T
	rows   *sqlx.DB
	url    string
	issuer *issuer

	account              string
	owner, admin, member string
	token                string // the account's own
	key, secret          string // an API key of the owner

	meanwhile func() // happens while a request to /long is answered

	mu  sync.Mutex
	now time.Time
}

// settings change what the Auth of a world is made of.
type settings func(*auth.Options)

func newWorld(t *testing.T, change ...settings) *world {
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

	w := &world{
		t: t, rows: rows, issuer: newIssuer(t), now: time.Now(),
		account: schema.NewAccountID(), token: "the account's auth token", key: schema.NewAPIKeyID(), secret: "the key's secret",
	}
	w.addAccount(w.account, w.token)
	w.owner, w.admin, w.member = w.addUser(w.account, "owner"), w.addUser(w.account, "admin"), w.addUser(w.account, "member")
	w.exec(`insert into platform.api_keys (sid, account_sid, user_sid, name, secret_sha256) values ($1, $2, $3, 'key', $4)`,
		w.key, w.account, w.owner, sum(w.secret))

	options := auth.Options{
		Directory: platform.Directory(source.DirectoryQueries{People: queries.People(), Account: queries.Account(), Credentials: queries.Credentials()}),
		Dev:       platform.Directory(source.DirectoryQueries{People: demo.People}),
		Sessions:  own.Sessions(), Site: "http://127.0.0.1", Host: w.issuer.host(), Now: w.clock,
	}
	for _, c := range change {
		c(&options)
	}
	w.url = w.serve(auth.New(options))
	return w
}

// serve answers with what is known of whoever asks.
func (w *world) serve(a *auth.Auth) string {
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
		require.NoError(w.t, c.String(status, err.Error()))
	}
	a.Routes(e)
	e.GET("/", func(c echo.Context) error {
		p, err := auth.Of(c)
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, p)
	}, a.Identify)
	e.GET("/exports", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) }, a.Identify, auth.RequireExporter)
	e.GET("/long", func(c echo.Context) error {
		w.meanwhile()
		if err := auth.StillExporter(c.Request().Context(), c); err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	}, a.Identify)
	e.GET("/choices", func(c echo.Context) error {
		people, err := a.Choices(c.Request().Context(), c)
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, people)
	})
	server := httptest.NewServer(e)
	w.t.Cleanup(server.Close)
	return server.URL
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	_, err := w.rows.Exec(query, args...)
	require.NoError(w.t, err)
}

func (w *world) addAccount(sid, token string) {
	w.t.Helper()
	w.exec(`insert into platform.accounts (sid, name, auth_token_sha256) values ($1, 'Analytical Engines', $2)`, sid, sum(token))
}

func (w *world) addUser(account, role string) string {
	w.t.Helper()
	sid := schema.NewUserID()
	w.exec(`insert into platform.users (sid, account_sid, email, name, role) values ($1, $2, $1 || '@example.com', 'Ada', $3)`, sid, account, role)
	return sid
}

func sum(secret string) []byte {
	s := sha256.Sum256([]byte(secret))
	return s[:]
}

// answer is a response, read to its end.
type answer struct {
	status  int
	header  http.Header
	cookies []*http.Cookie
	body    string
}

// principal is who the server took the request for.
func (a answer) principal(t *testing.T) auth.Principal {
	t.Helper()
	require.Equal(t, http.StatusOK, a.status, a.body)
	var p auth.Principal
	require.NoError(t, json.Unmarshal([]byte(a.body), &p))
	return p
}

// send asks without a browser.
func (w *world) send(method, path string, change ...func(*http.Request)) answer {
	w.t.Helper()
	return w.do(&http.Client{CheckRedirect: stay}, method, path, change...)
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (w *world) do(client *http.Client, method, path string, change ...func(*http.Request)) answer {
	w.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, w.url+path, nil)
	require.NoError(w.t, err)
	for _, c := range change {
		c(req)
	}
	res, err := client.Do(req)
	require.NoError(w.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(w.t, err)
	return answer{res.StatusCode, res.Header, res.Cookies(), string(body)}
}

// browser keeps cookies.
func (w *world) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	require.NoError(w.t, err)
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
