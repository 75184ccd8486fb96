package main

import (
	"bytes"
	"context"
	"crypto/rand"
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
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"google.golang.org/protobuf/types/known/durationpb"

	"satchel/activities/hook"
	"satchel/activities/program"
	"satchel/activities/vault"
	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/catalog"
	"satchel/schema/directory/demo"
	"satchel/schema/store"
	"satchel/schema/store/source"
	"satchel/workflows"
	"satchel/workflows/accountexport"
	workflowclient "satchel/workflows/client"
)

func TestMain(m *testing.M) {
	slog.SetDefault(logger)
	testservices.Main(m)
}

var logger = slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))

// logged is all that the tests of this package log.
var logged logs

type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// linesWith are the lines that hold all of the words.
func (l *logs) linesWith(words ...string) []string {
	var found []string
lines:
	for line := range strings.Lines(l.String()) {
		for _, word := range words {
			if !strings.Contains(line, word) {
				continue lines
			}
		}
		found = append(found, line)
	}
	return found
}

// fixture is a platform with two accounts, and the whole server except its sockets.
type fixture struct {
	t        *testing.T
	settings validated
	deps     *deps
	rows     *sqlx.DB
	links    schema.Links
	handler  *handler
	url      string

	account, token       string // the account's own credentials
	owner, admin, member string
	otherOwner           string // owner of another account
}

// change alters the settings or dependencies of a fixture before it is served.
type change func(*fixture)

func newFixture(t *testing.T, changes ...change) *fixture {
	t.Helper()
	fx := &fixture{t: t, account: schema.NewAccountID(), token: rand.Text()}
	at := testservices.Database(t)
	key := []byte(rand.Text() + rand.Text())
	fx.settings = validated{
		config: config{
			Data: program.Data{Database: program.Database{DatabaseURL: at}, SourceDatabaseURL: at}, DatabaseConns: 5,
			Dev: true, Host: "127.0.0.1", RateLimit: 1000,
			Confirm: 24 * time.Hour, Download: 24 * time.Hour, Cooldown: 24 * time.Hour, Collect: 12 * time.Hour,
		},
		site: "http://127.0.0.1", linkKey: key,
	}
	fx.links = schema.NewLinks(key)
	fx.openDeps(at)
	fx.addAccount(fx.account, "Analytical Engines", fx.token)
	fx.owner, fx.admin, fx.member = fx.addUser(fx.account, "Ada", "owner"), fx.addUser(fx.account, "Grace", "admin"), fx.addUser(fx.account, "Mel", "member")
	other := schema.NewAccountID()
	fx.addAccount(other, "Difference Engines", rand.Text())
	fx.otherOwner = fx.addUser(other, "Charles", "owner")
	for _, c := range changes {
		c(fx)
	}
	fx.serve()
	return fx
}

// openDeps opens the databases. Temporal and S3 are unavailable unless a change adds them.
func (fx *fixture) openDeps(at string) {
	fx.t.Helper()
	d := &deps{namespace: "default"}
	var err error
	d.catalog, err = catalog.Embedded()
	require.NoError(fx.t, err)
	d.store, err = store.Open(at, 5)
	require.NoError(fx.t, err)
	d.source, err = source.Open(fx.t.Context(), at, 5)
	require.NoError(fx.t, err)
	d.directory = source.NewPlatform(d.source, d.catalog).Directory
	d.devDirectory = d.source.Directory(source.DirectoryQueries{People: demo.People})
	d.temporal, err = client.NewLazyClient(client.Options{HostPort: "127.0.0.1:1", Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(fx.t, err)
	d.hooks, err = hook.New(hook.Config{})
	require.NoError(fx.t, err)
	d.vault = openVault(fx.t, vault.Config{Bucket: "nothing", Endpoint: "http://127.0.0.1:1"})
	fx.deps = d
	fx.t.Cleanup(func() { fx.deps.close() })
	fx.rows, err = sqlx.Open("postgres", at)
	require.NoError(fx.t, err)
	fx.t.Cleanup(func() { require.NoError(fx.t, fx.rows.Close()) })
}

var s3Credentials sync.Once

func openVault(t *testing.T, c vault.Config) *vault.Vault {
	t.Helper()
	s3Credentials.Do(func() {
		b := testservices.Bucket(t)
		for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": b.AccessKey, "AWS_SECRET_ACCESS_KEY": b.SecretKey, "AWS_REGION": b.Region} {
			require.NoError(t, os.Setenv(name, value)) // the same for all buckets of the tests
		}
	})
	c.KeysetFile = filepath.Join(t.TempDir(), "keyset.json")
	require.NoError(t, vault.WriteKeyset(c.KeysetFile))
	v, err := vault.Open(t.Context(), c)
	require.NoError(t, err)
	return v
}

// withBucket gives the fixture a bucket.
func withBucket(fx *fixture) {
	b := testservices.Bucket(fx.t)
	fx.deps.vault.Close()
	fx.deps.vault = openVault(fx.t, vault.Config{Bucket: b.Bucket, Endpoint: b.Endpoint})
}

// withTemporal gives the fixture a Temporal namespace of its own.
func withTemporal(fx *fixture) {
	fx.deps.temporal.Close()
	fx.deps.temporal = namespace(fx.t)
}

// namespace makes a namespace that knows our search attributes, so that no
// other test's worker takes what is started in it.
func namespace(t *testing.T) client.Client {
	t.Helper()
	name := "test-" + strings.ToLower(rand.Text())
	c, err := client.Dial(client.Options{HostPort: testservices.Temporal(t), Namespace: name, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(t, err)
	_, err = c.WorkflowService().RegisterNamespace(t.Context(), &workflowservice.RegisterNamespaceRequest{
		Namespace: name, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	})
	require.NoError(t, err)
	keyword := enumspb.INDEXED_VALUE_TYPE_KEYWORD
	eventually(t, "the namespace takes search attributes", func() bool {
		_, err := c.OperatorService().AddSearchAttributes(t.Context(), &operatorservice.AddSearchAttributesRequest{
			Namespace: name, SearchAttributes: map[string]enumspb.IndexedValueType{"ExportAccount": keyword, "ExportStatus": keyword},
		})
		return err == nil
	})
	eventually(t, "the search attributes are known", func() bool {
		_, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: `ExportAccount = "" and ExportStatus = ""`})
		return err == nil
	})
	return c
}

func (fx *fixture) serve() {
	fx.handler = newHandler(fx.settings, fx.deps, logger)
	server := httptest.NewUnstartedServer(fx.handler)
	server.Config = newServer(fx.handler, logger)
	server.Start()
	fx.url = server.URL
	fx.t.Cleanup(func() {
		fx.handler.api.EndStreams()
		server.Close()
	})
}

func (fx *fixture) exec(query string, args ...any) {
	fx.t.Helper()
	_, err := fx.rows.Exec(query, args...)
	require.NoError(fx.t, err)
}

func (fx *fixture) addAccount(sid, name, token string) {
	fx.t.Helper()
	sum := sha256.Sum256([]byte(token))
	fx.exec(`insert into platform.accounts (sid, name, auth_token_sha256) values ($1, $2, $3)`, sid, name, sum[:])
}

func (fx *fixture) addUser(account, name, role string) string {
	fx.t.Helper()
	sid := schema.NewUserID()
	fx.exec(`insert into platform.users (sid, account_sid, email, name, role) values ($1, $2, $1 || '@example.com', $3, $4)`, sid, account, name, role)
	return sid
}

// pendingExport starts an export's run and inserts its row, as a worker would.
func (fx *fixture) pendingExport(by string) schema.Export {
	fx.t.Helper()
	e := fx.startExport(by)
	fx.insertExport(e)
	return e
}

// startExport starts an export's run. Its row is not written yet.
func (fx *fixture) startExport(by string) schema.Export {
	fx.t.Helper()
	in := accountexport.AccountExportInput{
		ID: schema.NewExportID(), Account: fx.account, RequestedBy: by, RequestedAt: time.Now().UTC().Truncate(time.Millisecond), Windows: fx.settings.windows(),
	}
	_, err := workflowclient.StartAccountExport(fx.t.Context(), fx.deps.temporal, in)
	require.NoError(fx.t, err)
	return schema.Export{ID: in.ID, Account: in.Account, RequestedBy: by, RequestedAt: in.RequestedAt, ConfirmBy: in.RequestedAt.Add(in.Windows.Confirm), Status: schema.Pending}
}

func (fx *fixture) insertExport(e schema.Export) {
	fx.t.Helper()
	require.NoError(fx.t, fx.deps.store.AccountExports().OpenExport(fx.t.Context(), schema.NewExport{
		Export: e.ID, Account: e.Account, RequestedBy: e.RequestedBy, RequestedAt: e.RequestedAt, ConfirmBy: e.ConfirmBy,
	}))
}

// signals are the signals that the account's open run has received, in order.
func (fx *fixture) signals() []string {
	fx.t.Helper()
	var names []string
	events := fx.deps.temporal.GetWorkflowHistory(fx.t.Context(), workflows.AccountExportID(fx.account), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(fx.t, err)
		if signal := event.GetWorkflowExecutionSignaledEventAttributes(); signal != nil {
			names = append(names, signal.SignalName+" "+string(signal.Input.Payloads[0].Data))
		}
	}
	return names
}

// visitor is a browser, or a program with credentials.
type visitor struct {
	fx   *fixture
	http *http.Client
	name string // with secret, for HTTP Basic
	pass string
}

func (fx *fixture) anonymous() *visitor {
	jar, err := cookiejar.New(nil)
	require.NoError(fx.t, err)
	return &visitor{fx: fx, http: &http.Client{
		Jar: jar, Transport: &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// signedIn is a browser in which a user has signed in.
func (fx *fixture) signedIn(user string) *visitor {
	fx.t.Helper()
	v := fx.anonymous()
	require.Equal(fx.t, http.StatusSeeOther, v.get("/dev/sign-in?user="+user).status)
	return v
}

// program uses the account's own credentials.
func (fx *fixture) program() *visitor {
	v := fx.anonymous()
	v.name, v.pass = fx.account, fx.token
	return v
}

// response is an HTTP response, read to its end.
type response struct {
	status int
	header http.Header
	body   string
}

func (v *visitor) get(path string, header ...string) response {
	v.fx.t.Helper()
	return v.do(http.MethodGet, path, nil, header...)
}

// post sends a form as a browser does: from our own page.
func (v *visitor) post(path string, fields url.Values, header ...string) response {
	v.fx.t.Helper()
	return v.do(http.MethodPost, path, strings.NewReader(fields.Encode()),
		append([]string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"}, header...)...)
}

func (v *visitor) do(method, path string, body io.Reader, header ...string) response {
	v.fx.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, v.fx.url+path, body)
	require.NoError(v.fx.t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if v.name != "" {
		req.SetBasicAuth(v.name, v.pass)
	}
	res, err := v.http.Do(req)
	require.NoError(v.fx.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(v.fx.t, err)
	return response{res.StatusCode, res.Header, string(text)}
}

// requirePage checks the status of a page and that it contains these words.
func (a response) requirePage(t *testing.T, status int, words ...string) {
	t.Helper()
	require.Equal(t, status, a.status, a.body)
	require.Equal(t, "text/html; charset=UTF-8", a.header.Get("Content-Type"))
	for _, word := range words {
		require.Contains(t, a.body, word)
	}
}

// eventually polls until a condition holds.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	require.Eventually(t, is, 30*time.Second, 20*time.Millisecond, "waited in vain: %s", what)
}
