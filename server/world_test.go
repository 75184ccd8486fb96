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

// world is a platform with two accounts, and the whole server but its socket.
type world struct {
	t        *testing.T
	settings settled
	parts    *parts
	rows     *sqlx.DB
	links    schema.Links
	handler  *handler
	url      string

	account, token       string // the account's own credentials
	owner, admin, member string
	stranger             string // owner of another account
}

// change alters the settings or parts of a world before it is served.
type change func(*world)

func newWorld(t *testing.T, changes ...change) *world {
	t.Helper()
	w := &world{t: t, account: schema.NewAccountID(), token: rand.Text()}
	at := testservices.Database(t)
	key := []byte(rand.Text() + rand.Text())
	w.settings = settled{
		config: config{
			Dev: true, Host: "127.0.0.1", RateLimit: 1000, SourceDatabaseURL: at, DatabaseURL: at, DatabaseConns: 5,
			Confirm: 24 * time.Hour, Download: 24 * time.Hour, Cooldown: 24 * time.Hour, Collect: 12 * time.Hour,
		},
		site: "http://127.0.0.1", linkKey: key,
	}
	w.links = schema.NewLinks(key)
	w.openParts(at)
	w.addAccount(w.account, "Analytical Engines", w.token)
	w.owner, w.admin, w.member = w.addUser(w.account, "Ada", "owner"), w.addUser(w.account, "Grace", "admin"), w.addUser(w.account, "Mel", "member")
	other := schema.NewAccountID()
	w.addAccount(other, "Difference Engines", rand.Text())
	w.stranger = w.addUser(other, "Charles", "owner")
	for _, c := range changes {
		c(w)
	}
	w.serve()
	return w
}

// openParts opens the databases. Temporal and S3 are away unless a change
// gives them to the world.
func (w *world) openParts(at string) {
	w.t.Helper()
	p := &parts{namespace: "default"}
	var err error
	p.catalog, err = catalog.Embedded()
	require.NoError(w.t, err)
	p.store, err = store.Open(at, 5)
	require.NoError(w.t, err)
	p.source, err = source.Open(w.t.Context(), at, 5)
	require.NoError(w.t, err)
	p.directory = p.source.Directory(source.DirectoryQueries{
		People: p.catalog.People(), Account: p.catalog.Account(), Credentials: p.catalog.Credentials(),
		Signing: p.catalog.Signing(), Subaccounts: p.catalog.Subaccounts(), Call: p.catalog.Call(),
	})
	p.everybody = p.source.Directory(source.DirectoryQueries{People: demo.People})
	p.temporal, err = client.NewLazyClient(client.Options{HostPort: "127.0.0.1:1", Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(w.t, err)
	p.hooks, err = hook.New(hook.Config{})
	require.NoError(w.t, err)
	p.vault = openVault(w.t, vault.Config{Bucket: "nothing", Endpoint: "http://127.0.0.1:1"})
	w.parts = p
	w.t.Cleanup(func() { w.parts.close() })
	w.rows, err = sqlx.Open("postgres", at)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { require.NoError(w.t, w.rows.Close()) })
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

// withBucket gives the world a bucket.
func withBucket(w *world) {
	b := testservices.Bucket(w.t)
	w.parts.vault.Close()
	w.parts.vault = openVault(w.t, vault.Config{Bucket: b.Bucket, Endpoint: b.Endpoint})
}

// withTemporal gives the world a Temporal namespace of its own.
func withTemporal(w *world) {
	w.parts.temporal.Close()
	w.parts.temporal = namespace(w.t)
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

func (w *world) serve() {
	w.handler = newHandler(w.settings, w.parts, logger)
	server := httptest.NewUnstartedServer(w.handler)
	server.Config = newServer(w.handler, logger)
	server.Start()
	w.url = server.URL
	w.t.Cleanup(func() {
		w.handler.api.EndStreams()
		server.Close()
	})
}

func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	_, err := w.rows.Exec(query, args...)
	require.NoError(w.t, err)
}

func (w *world) addAccount(sid, name, token string) {
	w.t.Helper()
	sum := sha256.Sum256([]byte(token))
	w.exec(`insert into platform.accounts (sid, name, auth_token_sha256) values ($1, $2, $3)`, sid, name, sum[:])
}

func (w *world) addUser(account, name, role string) string {
	w.t.Helper()
	sid := schema.NewUserID()
	w.exec(`insert into platform.users (sid, account_sid, email, name, role) values ($1, $2, $1 || '@example.com', $3, $4)`, sid, account, name, role)
	return sid
}

// asked is an export that somebody has asked for, with its run and, as if a
// worker had been there, its row.
func (w *world) asked(by string) schema.Export {
	w.t.Helper()
	e := w.started(by)
	w.written(e)
	return e
}

// started is an export whose row no worker has written yet.
func (w *world) started(by string) schema.Export {
	w.t.Helper()
	in := accountexport.AccountExportInput{
		ID: schema.NewExportID(), Account: w.account, RequestedBy: by, RequestedAt: time.Now().UTC().Truncate(time.Millisecond), Windows: w.settings.windows(),
	}
	_, err := workflowclient.StartAccountExport(w.t.Context(), w.parts.temporal, in)
	require.NoError(w.t, err)
	return schema.Export{ID: in.ID, Account: in.Account, RequestedBy: by, RequestedAt: in.RequestedAt, ConfirmBy: in.RequestedAt.Add(in.Windows.Confirm), Status: schema.Pending}
}

func (w *world) written(e schema.Export) {
	w.t.Helper()
	require.NoError(w.t, w.parts.store.AccountExports().OpenExport(w.t.Context(), schema.Opening{
		Export: e.ID, Account: e.Account, RequestedBy: e.RequestedBy, RequestedAt: e.RequestedAt, ConfirmBy: e.ConfirmBy,
	}))
}

// signals are what the account's open run was told, in order.
func (w *world) signals() []string {
	w.t.Helper()
	var names []string
	events := w.parts.temporal.GetWorkflowHistory(w.t.Context(), workflows.AccountExportID(w.account), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(w.t, err)
		if told := event.GetWorkflowExecutionSignaledEventAttributes(); told != nil {
			names = append(names, told.SignalName+" "+string(told.Input.Payloads[0].Data))
		}
	}
	return names
}

// visitor is somebody with a browser, or a program.
type visitor struct {
	w    *world
	http *http.Client
	name string // with secret, for HTTP Basic
	pass string
}

func (w *world) nobody() *visitor {
	jar, err := cookiejar.New(nil)
	require.NoError(w.t, err)
	return &visitor{w: w, http: &http.Client{
		Jar: jar, Transport: &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// as is somebody who has signed in.
func (w *world) as(user string) *visitor {
	w.t.Helper()
	v := w.nobody()
	require.Equal(w.t, http.StatusSeeOther, v.get("/dev/sign-in?user="+user).status)
	return v
}

// program knows the account's own secret.
func (w *world) program() *visitor {
	v := w.nobody()
	v.name, v.pass = w.account, w.token
	return v
}

// answer is a response, read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

func (v *visitor) get(path string, header ...string) answer {
	v.w.t.Helper()
	return v.do(http.MethodGet, path, nil, header...)
}

// post sends a form as a browser does: from our own page.
func (v *visitor) post(path string, fields url.Values, header ...string) answer {
	v.w.t.Helper()
	return v.do(http.MethodPost, path, strings.NewReader(fields.Encode()),
		append([]string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"}, header...)...)
}

func (v *visitor) do(method, path string, body io.Reader, header ...string) answer {
	v.w.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, v.w.url+path, body)
	require.NoError(v.w.t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if v.name != "" {
		req.SetBasicAuth(v.name, v.pass)
	}
	res, err := v.http.Do(req)
	require.NoError(v.w.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(v.w.t, err)
	return answer{res.StatusCode, res.Header, string(text)}
}

// says tells that a page was answered with this status and holds these words.
func (a answer) says(t *testing.T, status int, words ...string) {
	t.Helper()
	require.Equal(t, status, a.status, a.body)
	require.Equal(t, "text/html; charset=UTF-8", a.header.Get("Content-Type"))
	for _, word := range words {
		require.Contains(t, a.body, word)
	}
}

// eventually polls until something is so, which is much sooner than the test
// gives up.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	require.Eventually(t, is, 30*time.Second, 20*time.Millisecond, "waited in vain: %s", what)
}
