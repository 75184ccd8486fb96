package auth_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/server/respond"
)

// The tests of this file need no database: the directory and the sessions are in
// memory, and requests are served without a connection.

// memory is a directory with one account and two owners, and a store of sessions.
type memory struct {
	err        error // of every call to the directory
	accountErr error // of Account
	sessions   map[string][]byte
	people     map[string]schema.Person
	account    schema.Account
}

const (
	accountID = "AC00000000000000000000000000000001"
	ada       = "US00000000000000000000000000000001"
	bob       = "US00000000000000000000000000000002"
	token     = "the account's auth token"
)

func (m *memory) Account(context.Context, string) (schema.Account, error) {
	return m.account, cmp.Or(m.err, m.accountErr)
}

func (m *memory) Person(_ context.Context, account, user string) (schema.Person, error) {
	p, ok := m.people[user]
	if m.err == nil && (!ok || account != accountID) {
		return p, schema.Errorf(schema.NotFound, schema.CodeUserNotFound, "Not found.")
	}
	return p, m.err
}

func (m *memory) Credential(_ context.Context, name string) (schema.Credential, error) {
	if m.err == nil && name != accountID {
		return schema.Credential{}, schema.Errorf(schema.NotFound, schema.CodeCredentialNotFound, "Not found.")
	}
	sum := sha256.Sum256([]byte(token))
	return schema.Credential{Account: accountID, Role: schema.Owner, SecretSHA256: sum[:], Suspended: m.account.Suspended}, m.err
}

func (m *memory) People(_ context.Context, user string) ([]schema.Person, error) {
	return []schema.Person{m.people[user]}, nil
}

func (m *memory) Delete(token string) error                        { panic("use DeleteCtx") }
func (m *memory) Find(token string) ([]byte, bool, error)          { panic("use FindCtx") }
func (m *memory) Commit(token string, b []byte, _ time.Time) error { panic("use CommitCtx") }

func (m *memory) DeleteCtx(_ context.Context, token string) error {
	delete(m.sessions, token)
	return nil
}

func (m *memory) FindCtx(_ context.Context, token string) ([]byte, bool, error) {
	b, ok := m.sessions[token]
	return b, ok, nil
}

func (m *memory) CommitCtx(_ context.Context, token string, b []byte, _ time.Time) error {
	m.sessions[token] = b
	return nil
}

// server is an Auth over memory.
type server struct {
	*memory
	*echo.Echo
	t         *testing.T
	meanwhile func() // called before /long reauthorizes
}

func newServer(t *testing.T, change ...func(*auth.Options)) *server {
	t.Helper()
	s := &server{t: t, Echo: echo.New(), memory: &memory{sessions: map[string][]byte{}, account: schema.Account{ID: accountID}, people: map[string]schema.Person{
		ada: {ID: ada, Account: accountID, Role: schema.Owner}, bob: {ID: bob, Account: accountID, Role: schema.Owner},
	}}}
	o := auth.Options{Directory: s, Sessions: s, Dev: s, Site: "http://127.0.0.1"}
	for _, c := range change {
		c(&o)
	}
	a := auth.New(o)
	s.IPExtractor = echo.ExtractIPDirect()
	s.HTTPErrorHandler = func(err error, c echo.Context) { require.NoError(t, respond.Problem(c, err)) }
	r := respond.NewRouter(s.Echo)
	s.Use(a.Identify, auth.Authorize)
	a.Register(r)
	done := func(c echo.Context) error { return c.NoContent(http.StatusNoContent) }
	for path, access := range map[string]respond.Access{
		"/exporter": respond.Exporter, "/basic": respond.ExporterByBasic, "/signed-in": respond.SignedIn, "/anyone": respond.Anyone, "/public": respond.Public,
	} {
		r.Add(http.MethodGet, path, done, respond.Policy{Access: access})
	}
	r.Add(http.MethodGet, "/background", done, respond.Policy{Background: true})
	r.Add(http.MethodGet, "/long", func(c echo.Context) error {
		s.meanwhile()
		if err := auth.Reauthorize(c.Request().Context(), c); err != nil {
			return err
		}
		return done(c)
	}, respond.Policy{Streaming: true})
	r.Add(http.MethodGet, "/choices", func(c echo.Context) error {
		people, err := a.DevUsers(c.Request().Context(), c)
		if err != nil || len(people) == 0 {
			return cmp.Or(err, error(echo.ErrNotFound))
		}
		return done(c)
	}, respond.Policy{Access: respond.Public})
	return s
}

// get sends a request from 192.0.2.1, unless change says otherwise.
func (s *server) get(path string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, path, nil)
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func from(address string) func(*http.Request) {
	return func(r *http.Request) { r.RemoteAddr = address }
}

func to(host string) func(*http.Request) { return func(r *http.Request) { r.Host = host } }

// signIn returns the cookie of a new session.
func (s *server) signIn(user string) *http.Cookie {
	s.t.Helper()
	w := s.get("/dev/sign-in?user="+user, from("127.0.0.1:1234"), to("127.0.0.1"))
	require.Equal(s.t, http.StatusSeeOther, w.Code, w.Body)
	return w.Result().Cookies()[0]
}

func with(cookie *http.Cookie) func(*http.Request) {
	return func(r *http.Request) { r.AddCookie(cookie) }
}

func TestAnUnavailableDirectoryIsA503AndNoFailedSignIn(t *testing.T) {
	t.Parallel()
	away := schema.Errorf(schema.Unavailable, schema.CodeDatabaseUnavailable, "Away.")
	issuer := newIssuer(t)
	s := newServer(t, func(o *auth.Options) { o.Host = issuer.host() })
	jwt := bearing(issuer.token(jose.RS256, issuer.claims(accountID, ada)))
	cookie := s.signIn(ada)
	for name, credentials := range map[string]func(*http.Request){
		"session": with(cookie), "token": jwt, "basic": knowing(accountID, token), "wrong secret": knowing(accountID, "x"),
	} {
		s.err = away
		for range 30 { // more than failures are allowed
			require.Equal(t, http.StatusServiceUnavailable, s.get("/exporter", credentials).Code, name)
		}
		s.err = nil
		want := http.StatusNoContent
		if name == "wrong secret" {
			want = http.StatusUnauthorized
		}
		require.Equal(t, want, s.get("/exporter", credentials).Code, name)
	}
	s.accountErr = away
	for _, credentials := range []func(*http.Request){with(cookie), jwt} {
		require.Equal(t, http.StatusServiceUnavailable, s.get("/exporter", credentials).Code)
	}
	s.accountErr = nil
	require.Contains(t, s.sessions, sessionKey(cookie), "the session has not ended")

	s.meanwhile = func() { s.err = away }
	for name, credentials := range map[string]func(*http.Request){"session": with(cookie), "token": jwt, "basic": knowing(accountID, token)} {
		s.err = nil
		require.Equal(t, http.StatusServiceUnavailable, s.get("/long", credentials).Code, name)
	}
}

func TestDevSignInRejectsConnectionsOfOtherMachines(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, peer := range []string{"192.0.2.1:1234", "10.0.0.1:1234", "[2001:db8::1]:1234", "[::ffff:192.0.2.1]:1234", "[fe80::1]:1234", "0.0.0.0:1234", "", "@"} {
		require.Equal(t, http.StatusNotFound, s.get("/dev/sign-in?user="+ada, from(peer), to("127.0.0.1")).Code, peer)
		require.Equal(t, http.StatusNotFound, s.get("/choices", from(peer), to("127.0.0.1")).Code, peer)
	}
	for _, peer := range []string{"127.0.0.1:1234", "127.8.8.8:1234", "[::1]:1234", "[::ffff:127.0.0.1]:1234"} {
		require.Equal(t, http.StatusSeeOther, s.get("/dev/sign-in?user="+ada, from(peer), to("localhost:8080")).Code, peer)
		require.Equal(t, http.StatusNoContent, s.get("/choices", from(peer), to("localhost:8080")).Code, peer)
		require.Equal(t, http.StatusNotFound, s.get("/dev/sign-in?user="+ada, from(peer), to("example.com")).Code, peer)
		require.Equal(t, http.StatusNotFound, s.get("/choices", from(peer), to("example.com")).Code, peer)
	}
}

func TestALongAnswerDoesNotGoOnForAnotherPrincipal(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	cookie, other := s.signIn(ada), s.signIn(bob)
	s.meanwhile = func() {}
	require.Equal(t, http.StatusNoContent, s.get("/long", with(cookie)).Code)
	s.meanwhile = func() { // the cookie's session is bob's now
		s.sessions[sessionKey(cookie)] = s.sessions[sessionKey(other)]
	}
	require.Equal(t, http.StatusUnauthorized, s.get("/long", with(cookie)).Code)
}

func TestALongAnswerEndsWithTheRole(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	cookie := s.signIn(ada)
	s.meanwhile = func() { s.people[ada] = schema.Person{ID: ada, Account: accountID, Role: schema.Member} }
	require.Equal(t, http.StatusForbidden, s.get("/long", with(cookie)).Code)
	s.meanwhile = func() { delete(s.people, bob) }
	require.Equal(t, http.StatusUnauthorized, s.get("/long", with(s.signIn(bob))).Code)
}

func TestReauthorizingNeitherCountsFailuresNorExtendsASession(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := newServer(t, func(o *auth.Options) { o.Now = func() time.Time { return now } })
	cookie := s.signIn(ada)
	before := string(s.sessions[sessionKey(cookie)])
	s.meanwhile = func() { now = now.Add(5 * time.Minute) }
	require.Equal(t, http.StatusNoContent, s.get("/long", with(cookie)).Code)
	require.Equal(t, before, string(s.sessions[sessionKey(cookie)]))

	account := s.account
	s.meanwhile = func() { s.account.Suspended = true }
	for range 30 {
		s.account = account
		require.Equal(t, http.StatusForbidden, s.get("/long", with(cookie)).Code)
	}
	s.account = account
	require.Equal(t, http.StatusNoContent, s.get("/exporter", knowing(accountID, token)).Code)
}

func TestOnlyRequestsOfAPersonExtendASession(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := newServer(t, func(o *auth.Options) { o.Now = func() time.Time { return now } })
	cookie := s.signIn(ada)
	stored := func() string { return string(s.sessions[sessionKey(cookie)]) }
	before := stored()
	now = now.Add(2 * time.Minute)
	for _, path := range []string{"/background", "/public"} {
		require.Equal(t, http.StatusNoContent, s.get(path, with(cookie)).Code)
		require.Equal(t, before, stored(), path)
	}
	require.Equal(t, http.StatusNoContent, s.get("/exporter", with(cookie)).Code)
	require.NotEqual(t, before, stored())
	before = stored()
	require.Equal(t, http.StatusNoContent, s.get("/exporter", with(cookie)).Code)
	require.Equal(t, before, stored(), "at most once a minute")
}

func TestAddressesAreCountedByWhatOneCustomerHas(t *testing.T) {
	t.Parallel()
	for address, key := range map[string]string{
		"192.0.2.1": "192.0.2.1", "192.0.2.2": "192.0.2.2", "::ffff:192.0.2.1": "192.0.2.1",
		"2001:db8:1:2::1": "2001:db8:1:2::/64", "2001:db8:1:2:ffff:ffff:ffff:ffff": "2001:db8:1:2::/64", "2001:db8:1:3::1": "2001:db8:1:3::/64",
		"fe80::1%eth0": "fe80::/64", "": "", "nonsense": "nonsense",
	} {
		require.Equal(t, key, auth.AddressKey(address), address)
	}
}

func TestGuessesFromOneIPv6NetworkAreCountedTogether(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := newServer(t, func(o *auth.Options) { o.Now = func() time.Time { return now } })
	guess := func(address string) int {
		return s.get("/exporter", knowing("x", "a guess"), from("["+address+"]:1234")).Code
	}
	for i := range 20 {
		require.Equal(t, http.StatusUnauthorized, guess([]string{"2001:db8::1", "2001:db8::2"}[i%2]))
	}
	require.Equal(t, http.StatusTooManyRequests, guess("2001:db8::3"))
	require.Equal(t, http.StatusUnauthorized, guess("2001:db8:0:1::1"), "another network")
}

func TestEveryAccessLetsInWhomItNames(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	s := newServer(t, func(o *auth.Options) { o.Host = issuer.host() })
	member := "US00000000000000000000000000000003"
	s.people[member] = schema.Person{ID: member, Account: accountID, Role: schema.Member}
	const no401, no403, ok = http.StatusUnauthorized, http.StatusForbidden, http.StatusNoContent
	paths := []string{"/exporter", "/basic", "/signed-in", "/anyone", "/public"}
	for name, c := range map[string]struct {
		credentials func(*http.Request)
		want        []int
	}{
		"anonymous": {func(*http.Request) {}, []int{no401, no401, no401, ok, ok}},
		"owner":     {with(s.signIn(ada)), []int{ok, no401, ok, ok, ok}},
		"member":    {with(s.signIn(member)), []int{no403, no401, ok, ok, ok}},
		"token":     {bearing(issuer.token(jose.RS256, issuer.claims(accountID, ada))), []int{ok, no401, ok, ok, ok}},
		"program":   {knowing(accountID, token), []int{ok, ok, ok, ok, ok}},
		"wrong":     {knowing(accountID, "x"), []int{no401, no401, no401, no401, ok}},
	} {
		for i, path := range paths {
			require.Equal(t, c.want[i], s.get(path, c.credentials).Code, "%s %s", name, path)
		}
	}
	s.account.Suspended = true
	suspended := with(s.signIn(ada))
	for i, want := range []int{no403, no401, no403, ok, ok} {
		require.Equal(t, want, s.get(paths[i], suspended).Code, paths[i])
	}
	for i, want := range []int{no403, no403, no403, no403, ok} {
		require.Equal(t, want, s.get(paths[i], knowing(accountID, token)).Code, paths[i])
	}
	require.Equal(t, no401, s.get("/exporter", knowing(accountID, "x")).Code, "only with the right secret the answer says so")
}

// sessionKey is the key under which the session of a cookie is stored.
func sessionKey(cookie *http.Cookie) string {
	sum := sha256.Sum256([]byte(cookie.Value))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
