package web_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"satchel/activities/hook"
	"satchel/activities/vault"
	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/api"
	"satchel/server/auth"
	"satchel/server/bulk"
	"satchel/server/respond"
	"satchel/server/web"
)

func TestMain(m *testing.M) {
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "us-east-1"} {
		_ = os.Setenv(name, value) // the vault is opened and never used
	}
	testservices.Main(m)
}

// noRuns is a Temporal server that has no workflow runs and takes no other request.
type noRuns struct{ client.Client }

func (noRuns) DescribeWorkflowExecution(context.Context, string, string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	return nil, serviceerror.NewNotFound("no such run")
}

// fixture is two accounts and the pages over a real database. Temporal starts and signals
// nothing, so a change is answered with 503 or 409 once all checks have passed.
type fixture struct {
	t     *testing.T
	store *store.DB
	links schema.Links
	url   string
	skew  atomic.Int64 // nanoseconds that the API's clock is ahead

	account, other       string
	owner, admin, member string
	otherOwner           string

	mu    sync.Mutex
	roles map[string]schema.Role // by user
}

const secret = "the account's auth token"

func newFixture(t *testing.T) *fixture {
	t.Helper()
	fx := &fixture{
		t: t, account: schema.NewAccountID(), other: schema.NewAccountID(), links: schema.NewLinks([]byte(strings.Repeat("k", 32))),
		owner: schema.NewUserID(), admin: schema.NewUserID(), member: schema.NewUserID(), otherOwner: schema.NewUserID(),
	}
	fx.roles = map[string]schema.Role{fx.owner: schema.Owner, fx.admin: schema.Admin, fx.member: schema.Member, fx.otherOwner: schema.Owner}
	var err error
	fx.store, err = store.Open(testservices.Database(t), 5)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, fx.store.Close()) })
	unreachable, err := client.NewLazyClient(client.Options{HostPort: "127.0.0.1:1", Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(t, err)
	t.Cleanup(unreachable.Close)
	temporal := noRuns{unreachable}
	keyset := filepath.Join(t.TempDir(), "keyset.json")
	require.NoError(t, vault.WriteKeyset(keyset))
	keys, err := vault.Open(t.Context(), vault.Config{Bucket: "none", Endpoint: "http://127.0.0.1:1", KeysetFile: keyset})
	require.NoError(t, err)
	t.Cleanup(keys.Close)
	hooks, err := hook.New(hook.Config{})
	require.NoError(t, err)

	const site = "http://127.0.0.1"
	windows := schema.Windows{Confirm: 24 * time.Hour, Download: 24 * time.Hour, Cooldown: 24 * time.Hour}
	authn := auth.New(auth.Options{Directory: fx, Sessions: fx.store.Sessions(), Site: site, Dev: fx})
	exports := api.New(api.Deps{
		Store: fx.store.AccountExports(), Temporal: temporal, Site: site, Windows: windows, Secret: []byte(strings.Repeat("s", 32)),
		Now: func() time.Time { return time.Now().Add(time.Duration(fx.skew.Load())) },
	})
	jobs := bulk.New(bulk.Options{Store: fx.store.BulkExports(), Vault: keys, Temporal: temporal, Directory: fx, Links: fx.links, Site: site, CheckHook: hooks.Check, Limits: schema.DefaultBulkLimits()})
	pages := web.New(web.Options{
		Pages: web.NewPages(site, true, ""), API: exports, Bulk: jobs, Auth: authn, Exports: fx.store.AccountExports(), Directory: fx, Links: fx.links, Site: site, Windows: windows,
		Note: func(schema.Category) string { return "" },
	})
	e := echo.New()
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		write := pages.WriteError
		if respond.FormatOf(c) == respond.JSON {
			write = respond.Problem
		}
		if err := write(c, err); err != nil {
			t.Errorf("an error was not answered: %v", err)
		}
	}
	router := respond.NewRouter(e)
	e.Use(authn.Identify, auth.Authorize)
	authn.Register(router)
	pages.Register(router)
	server := httptest.NewServer(e)
	fx.url = server.URL
	t.Cleanup(func() {
		exports.EndStreams()
		server.Close()
	})
	return fx
}

func (fx *fixture) accountOf(user string) string {
	if user == fx.otherOwner {
		return fx.other
	}
	return fx.account
}

func (fx *fixture) setRole(user string, role schema.Role) {
	fx.mu.Lock()
	defer fx.mu.Unlock()
	fx.roles[user] = role
}

func (fx *fixture) person(user string) schema.Person {
	fx.mu.Lock()
	defer fx.mu.Unlock()
	return schema.Person{ID: user, Account: fx.accountOf(user), Role: fx.roles[user], Name: "Name of " + user, Email: user + "@example.com"}
}

// Account implements the platform's directory.
func (fx *fixture) Account(_ context.Context, id string) (schema.Account, error) {
	return schema.Account{ID: id, Name: "Name of " + id}, nil
}

// Person implements auth.Directory.
func (fx *fixture) Person(_ context.Context, _, user string) (schema.Person, error) {
	return fx.person(user), nil
}

// Credential implements auth.Directory: each account has its own secret.
func (fx *fixture) Credential(_ context.Context, username string) (schema.Credential, error) {
	sum := sha256.Sum256([]byte(secret))
	return schema.Credential{Account: username, Role: schema.Owner, SecretSHA256: sum[:]}, nil
}

// Subaccounts implements bulk.Directory.
func (fx *fixture) Subaccounts(context.Context, string) ([]schema.Account, error) { return nil, nil }

// CallDay implements bulk.Directory.
func (fx *fixture) CallDay(context.Context, string, string) (schema.Day, error) { return "", nil }

// People implements web.Directory and, by user, auth.DevDirectory.
func (fx *fixture) People(_ context.Context, id string) ([]schema.Person, error) {
	if strings.HasPrefix(id, "US") {
		return []schema.Person{fx.person(id)}, nil
	}
	return []schema.Person{fx.person(fx.owner), fx.person(fx.admin)}, nil
}

// createExport writes a pending export as its workflow would.
func (fx *fixture) createExport() string {
	fx.t.Helper()
	id, now := schema.NewExportID(), time.Now()
	require.NoError(fx.t, fx.store.AccountExports().OpenExport(fx.t.Context(), schema.NewExport{
		Export: id, Account: fx.account, RequestedBy: fx.owner, RequestedAt: now, ConfirmBy: now.Add(time.Hour),
	}))
	return id
}

// createDayFile writes the row of a day file, without its object.
func (fx *fixture) createDayFile() string {
	fx.t.Helper()
	id := schema.NewDayFileID()
	_, err := fx.store.BulkExports().PublishDayFile(fx.t.Context(), schema.NewDayFile{
		ID: id, Account: fx.account, Type: schema.Calls, Day: "2026-03-01", Records: 1, Size: 1, SHA256: strings.Repeat("ab", 32),
		Wrapped: []byte("wrapped"), ReadAt: time.Now(), Retention: time.Hour,
	})
	require.NoError(fx.t, err)
	return id
}

// browser sends requests as a user, as an account by its own secret, or anonymously.
type browser struct {
	fx      *fixture
	http    *http.Client
	account string // for HTTP Basic
}

func (fx *fixture) anonymous() *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(fx.t, err)
	return &browser{fx: fx, http: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (fx *fixture) signedIn(user string) *browser {
	fx.t.Helper()
	b := fx.anonymous()
	status, _ := b.send(http.MethodGet, "/dev/sign-in?user="+user, nil)
	require.Equal(fx.t, http.StatusSeeOther, status)
	return b
}

func (fx *fixture) program(account string) *browser {
	b := fx.anonymous()
	b.account = account
	return b
}

func (b *browser) open(method, path string, form url.Values) *http.Response {
	b.fx.t.Helper()
	req, err := http.NewRequestWithContext(b.fx.t.Context(), method, b.fx.url+path, strings.NewReader(form.Encode()))
	require.NoError(b.fx.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if b.account != "" {
		req.SetBasicAuth(b.account, secret)
	}
	res, err := b.http.Do(req)
	require.NoError(b.fx.t, err)
	return res
}

func (b *browser) send(method, path string, form url.Values) (status int, body string) {
	b.fx.t.Helper()
	res := b.open(method, path, form)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(b.fx.t, err)
	return res.StatusCode, string(text)
}

func TestFormsAreOnlyForOwnersAndAdminsOfTheAccount(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	export, file := fx.createExport(), fx.createDayFile()
	member, stranger, owner := fx.signedIn(fx.member), fx.signedIn(fx.otherOwner), fx.signedIn(fx.owner)
	const exports, bulkExports = "/settings/data-export", "/settings/bulk-export"
	for path, want := range map[string]struct{ stranger, owner int }{
		exports + "/" + export + "/cancel":                                     {404, 409}, // its run is gone
		exports + "/" + export + "/resend":                                     {404, 409},
		exports + "/" + export + "/delete":                                     {404, 409}, // it is not completed
		bulkExports + "/jobs/" + schema.NewJobID() + "/delete":                 {404, 404},
		bulkExports + "/files/" + file + "/delete":                             {404, 503},
		bulkExports + "/deliveries/3b241101-e2bb-5255-8caf-4136c566a962/again": {404, 404},
		bulkExports + "/daily/Calls":                                           {503, 503}, // each changes its own
		bulkExports + "/daily/Secrets":                                         {404, 404},
	} {
		for name, c := range map[string]struct {
			browser *browser
			status  int
		}{"anonymous": {fx.anonymous(), 401}, "member": {member, 403}, "stranger": {stranger, want.stranger}, "owner": {owner, want.owner}} {
			status, body := c.browser.send(http.MethodPost, path, url.Values{"enabled": {"on"}})
			require.Equal(t, c.status, status, "%s %s", name, path)
			if name == "member" || name == "stranger" {
				require.NotContains(t, body, fx.owner)
			}
		}
	}
	res := owner.open(http.MethodGet, bulkExports+"/files/"+file, nil)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusSeeOther, res.StatusCode)
	require.Contains(t, res.Header.Get("Location"), "/files/"+file+"/Calls-2026-03-01.json.gz?by="+fx.owner)
	for b, want := range map[*browser]int{fx.anonymous(): 401, member: 403, stranger: 404} {
		status, _ := b.send(http.MethodGet, bulkExports+"/files/"+file, nil)
		require.Equal(t, want, status)
	}
}

func TestWebhookURLsOfTheFormHaveTheirLimit(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	owner := fx.signedIn(fx.owner)
	address := "https://hooks.example.com/" + strings.Repeat("a", 2048-len("https://hooks.example.com/"))
	for path, problem := range map[string]string{"/settings/bulk-export/daily/Calls": `id="url-problem-Calls"`, "/settings/bulk-export": `id="url-problem"`} {
		form := url.Values{"enabled": {"on"}, "type": {"Calls"}, "start": {"2026-03-01"}, "end": {"2026-03-01"}, "name": {"a"}, "method": {"POST"}, "url": {address + "a"}}
		status, body := owner.send(http.MethodPost, path, form)
		require.Equal(t, http.StatusBadRequest, status)
		require.Contains(t, body, problem)
		form.Set("url", address)
		status, body = owner.send(http.MethodPost, path, form)
		require.Equal(t, http.StatusServiceUnavailable, status, "it is valid, but Temporal is unavailable")
		require.NotContains(t, body, problem)
	}
}

func TestMailedLinksNeedAPersonOfTheirAccount(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	export := fx.createExport()
	for path, purpose := range map[string]schema.Purpose{"/confirm/": schema.ToConfirm, "/stop/": schema.ToStop} {
		link := path + fx.links.Token(purpose, export, 1)
		for name, c := range map[string]struct {
			browser   *browser
			get, post int
		}{
			"anonymous":          {fx.anonymous(), 200, 401},
			"member":             {fx.signedIn(fx.member), 403, 403},
			"other account":      {fx.signedIn(fx.otherOwner), 403, 403},
			"program":            {fx.program(fx.account), 200, 403},
			"program of another": {fx.program(fx.other), 403, 403},
			"owner":              {fx.signedIn(fx.owner), 200, 409},
			"admin":              {fx.signedIn(fx.admin), 200, 409},
		} {
			status, body := c.browser.send(http.MethodGet, link, nil)
			require.Equal(t, c.get, status, "%s %s", name, path)
			if name == "anonymous" || strings.Contains(name, "other") {
				require.NotContains(t, body, fx.account, "%s must not see the account", name)
			}
			if name != "owner" && name != "admin" && name != "program" {
				require.NotContains(t, body, "Name of "+fx.owner, "%s must not see names", name)
			}
			status, _ = c.browser.send(http.MethodPost, link, nil)
			require.Equal(t, c.post, status, "%s %s", name, path)
		}
	}
	link := "/download/" + fx.links.Token(schema.ToDownload, export, 1)
	for name, c := range map[string]struct {
		browser *browser
		status  int
	}{
		"anonymous": {fx.anonymous(), 401}, "member": {fx.signedIn(fx.member), 403}, "other account": {fx.signedIn(fx.otherOwner), 403},
		"owner": {fx.signedIn(fx.owner), 409}, "program": {fx.program(fx.account), 409}, // it is not ready yet
	} {
		status, _ := c.browser.send(http.MethodGet, link, nil)
		require.Equal(t, c.status, status, name)
	}
}

func TestMembersSeeNothingOfTheirAccountsExports(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	export, file := fx.createExport(), fx.createDayFile()
	for _, path := range []string{"/settings/data-export", "/settings/bulk-export", "/settings/data-export/live", "/settings/bulk-export/live", "/settings/data-export/" + export + "/events"} {
		status, body := fx.signedIn(fx.member).send(http.MethodGet, path, nil)
		require.Equal(t, http.StatusForbidden, status, path)
		require.NotContains(t, body, export)
		require.NotContains(t, body, file)
	}
	status, body := fx.signedIn(fx.otherOwner).send(http.MethodGet, "/settings/bulk-export/live", nil)
	require.Equal(t, http.StatusOK, status)
	require.NotContains(t, body, file)
}

func TestAStreamEndsOnceItsUserMayNoLongerExport(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	export := fx.createExport()
	path := "/settings/data-export/" + export + "/events"
	status, _ := fx.signedIn(fx.otherOwner).send(http.MethodGet, path, nil)
	require.Equal(t, http.StatusNotFound, status)

	res := fx.signedIn(fx.admin).open(http.MethodGet, path, nil) //nolint:bodyclose // it is closed in the next line
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() && lines.Text() != "event: page" {
	}
	require.Equal(t, "event: page", lines.Text(), "an allowed user gets the page")

	fx.setRole(fx.admin, schema.Member)
	fx.skew.Store(int64(time.Minute)) // the next check is due
	require.NoError(t, fx.store.AccountExports().ConfirmExport(t.Context(), export, fx.owner, "age1", []byte("wrapped")))
	ended := make(chan string, 1)
	go func() {
		rest, _ := io.ReadAll(res.Body)
		ended <- string(rest)
	}()
	select {
	case rest := <-ended:
		require.NotContains(t, rest, `data-status="confirmed"`, "nothing more is sent")
	case <-time.After(30 * time.Second):
		require.Fail(t, "the stream goes on")
	}
}
