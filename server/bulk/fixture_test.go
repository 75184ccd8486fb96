package bulk_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"google.golang.org/protobuf/types/known/durationpb"

	"satchel/activities/hook"
	"satchel/activities/vault"
	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/auth"
	"satchel/server/bulk"
	"satchel/server/respond"
	"satchel/workflows"
	"satchel/workflows/registry"
)

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "4") // these tests mostly wait
	testservices.Main(m)
}

// site is the configured base URL.
const site = "https://export.example.com"

// fixture is a parent account with a subaccount, another account, and a Bulk over real
// services.
type fixture struct {
	t        *testing.T
	store    *store.BulkExports
	rows     *sqlx.DB // for assertions, and to move timestamps
	temporal client.Client
	vault    *vault.Vault
	links    schema.Links
	bulk     *bulk.Bulk
	url      string
	bucket   testservices.S3
	platform *platform

	suspended atomic.Bool // whether program's account is suspended

	parent, program, member, other credentials
}

// credentials are an API key of an account.
type credentials struct {
	account, user, name, secret string
	role                        schema.Role
}

// anonymous sends no credentials.
var anonymous credentials

// option changes the options of a fixture's Bulk.
type option func(*bulk.Options)

func newFixture(t *testing.T, changes ...option) *fixture {
	t.Helper()
	fx := &fixture{t: t, platform: newPlatform()}
	at := testservices.Database(t)
	db, err := store.Open(at, 10)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	fx.store = db.BulkExports()
	fx.rows, err = sqlx.Open("postgres", at)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, fx.rows.Close()) })

	fx.parent = newCredentials(schema.NewAccountID(), "", schema.Owner)
	fx.program = newCredentials(schema.NewAccountID(), "", schema.Owner)
	fx.member = newCredentials(fx.program.account, schema.NewUserID(), schema.Member)
	fx.other = newCredentials(schema.NewAccountID(), "", schema.Owner)

	fx.openVault()
	hooks, err := hook.New(hook.Config{})
	require.NoError(t, err)
	fx.links = schema.NewLinks([]byte(rand.Text() + rand.Text()))
	o := bulk.Options{
		Store: fx.store, Vault: fx.vault, Directory: fx, Links: fx.links, Site: site, CheckHook: hooks.Check, Limits: schema.DefaultBulkLimits(),
		Explain: func(c echo.Context, title string, says []string) error {
			return c.HTML(http.StatusOK, title+"\n"+strings.Join(says, "\n"))
		},
	}
	for _, change := range changes {
		change(&o)
	}
	if o.Temporal == nil {
		o.Temporal = namespace(t)
	}
	fx.temporal = o.Temporal
	fx.bulk = bulk.New(o)
	fx.url = fx.serve()
	return fx
}

// openVault creates a bucket and a keyset for the fixture.
func (fx *fixture) openVault() {
	fx.t.Helper()
	fx.bucket = testservices.Bucket(fx.t)
	setCredentialsOnce.Do(func() {
		for name, value := range map[string]string{
			"AWS_ACCESS_KEY_ID": fx.bucket.AccessKey, "AWS_SECRET_ACCESS_KEY": fx.bucket.SecretKey, "AWS_REGION": fx.bucket.Region,
		} {
			require.NoError(fx.t, os.Setenv(name, value))
		}
	})
	keyset := filepath.Join(fx.t.TempDir(), "keyset.json")
	require.NoError(fx.t, vault.WriteKeyset(keyset))
	var err error
	fx.vault, err = vault.Open(fx.t.Context(), vault.Config{Bucket: fx.bucket.Bucket, Endpoint: fx.bucket.Endpoint, KeysetFile: keyset})
	require.NoError(fx.t, err)
	fx.t.Cleanup(fx.vault.Close)
}

var setCredentialsOnce sync.Once // all test buckets share them

// withoutTemporal uses a Temporal client whose server does not answer.
func withoutTemporal(t *testing.T) option {
	t.Helper()
	c, err := client.NewLazyClient(client.Options{HostPort: "127.0.0.1:1", Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return func(o *bulk.Options) { o.Temporal = c }
}

// serve serves the Bulk over HTTP like the server does.
func (fx *fixture) serve() string {
	e := echo.New()
	e.HideBanner = true
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		write := respond.Problem
		if respond.FormatOf(c) == respond.Twilio {
			write = fx.bulk.WriteError
		}
		if err := write(c, err); err != nil {
			fx.t.Errorf("an error was not answered: %v", err)
		}
	}
	who := auth.New(auth.Options{Directory: fx, Sessions: fx.store.Sessions(), Site: site})
	routes := respond.NewRouter(e)
	e.Use(middleware.RequestID(), middleware.BodyLimit("64KiB"), who.Identify, auth.Authorize)
	fx.bulk.Register(routes)
	server := httptest.NewServer(e)
	fx.t.Cleanup(server.Close)
	return server.URL
}

// startWorkers runs workers with real activities, except for the platform and mail, until the
// test ends.
func (fx *fixture) startWorkers() {
	fx.t.Helper()
	a := fx.newActivities()
	for _, queue := range workflows.Queues {
		activitiesOnly := queue != workflows.TaskQueue
		run := worker.New(fx.temporal, queue, worker.Options{DisableRegistrationAliasing: true, DisableWorkflowWorker: activitiesOnly, WorkerStopTimeout: time.Second})
		if !activitiesOnly {
			registry.RegisterWorkflows(run)
		}
		for _, activities := range a {
			run.RegisterActivity(activities)
		}
		require.NoError(fx.t, run.Start())
		fx.t.Cleanup(run.Stop)
	}
}

// namespace creates a Temporal namespace with our search attributes, so that no other test's
// worker takes its tasks.
func namespace(t *testing.T) client.Client {
	t.Helper()
	name := "test-" + strings.ToLower(rand.Text())
	c, err := client.Dial(client.Options{HostPort: testservices.Temporal(t), Namespace: name, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	_, err = c.WorkflowService().RegisterNamespace(t.Context(), &workflowservice.RegisterNamespaceRequest{
		Namespace: name, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	})
	require.NoError(t, err)
	keyword := enumspb.INDEXED_VALUE_TYPE_KEYWORD
	eventually(t, "the namespace is known", func() bool {
		_, err := c.OperatorService().AddSearchAttributes(t.Context(), &operatorservice.AddSearchAttributesRequest{
			Namespace: name, SearchAttributes: map[string]enumspb.IndexedValueType{"ExportAccount": keyword, "ExportStatus": keyword},
		})
		return err == nil
	})
	eventually(t, "its search attributes are known", func() bool {
		_, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: `ExportAccount = "" and ExportStatus = ""`})
		return err == nil
	})
	return c
}

func newCredentials(account, user string, role schema.Role) credentials {
	return credentials{account: account, user: user, role: role, name: schema.NewAPIKeyID(), secret: rand.Text()}
}

// allCredentials are what the platform's directory knows.
func (fx *fixture) allCredentials() []credentials {
	return []credentials{fx.parent, fx.program, fx.member, fx.other}
}

// Account implements the platform's directory.
func (fx *fixture) Account(_ context.Context, id string) (schema.Account, error) {
	a := schema.Account{ID: id, Name: "Test"}
	if id == fx.program.account {
		a.Parent, a.Suspended = fx.parent.account, fx.suspended.Load()
	}
	return a, nil
}

// Subaccounts implements the platform's directory.
func (fx *fixture) Subaccounts(_ context.Context, account string) ([]schema.Account, error) {
	if account != fx.parent.account {
		return nil, nil
	}
	return []schema.Account{{ID: fx.program.account, Name: "Test", Parent: account}}, nil
}

// CallDay implements the platform's directory.
func (fx *fixture) CallDay(_ context.Context, account, call string) (schema.Day, error) {
	return fx.platform.callDay(account, call)
}

// Person implements auth.Directory.
func (fx *fixture) Person(_ context.Context, account, user string) (schema.Person, error) {
	return schema.Person{ID: user, Account: account, Role: schema.Owner}, nil
}

// Credential implements auth.Directory.
func (fx *fixture) Credential(_ context.Context, username string) (schema.Credential, error) {
	for _, c := range fx.allCredentials() {
		if c.name == username {
			sum := sha256.Sum256([]byte(c.secret))
			return schema.Credential{Account: c.account, User: c.user, Role: c.role, SecretSHA256: sum[:]}, nil
		}
	}
	return schema.Credential{}, schema.Errorf(schema.NotFound, schema.CodeNotFound, "Unknown.")
}

// response is a response whose body has been read.
type response struct {
	status int
	header http.Header
	body   string
}

// rawClient neither decompresses nor follows redirects.
var rawClient = &http.Client{
	Transport:     &http.Transport{DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// send sends a request and checks the response against what every response must satisfy.
func (fx *fixture) send(as credentials, method, path string, form url.Values, change ...func(*http.Request)) response {
	fx.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(fx.t.Context(), method, fx.url+path, body)
	require.NoError(fx.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded") // twilio-go sends it always
	if as != anonymous {
		req.SetBasicAuth(as.name, as.secret)
	}
	for _, c := range change {
		c(req)
	}
	res, err := rawClient.Do(req)
	require.NoError(fx.t, err)
	text, err := io.ReadAll(res.Body)
	require.NoError(fx.t, err)
	require.NoError(fx.t, res.Body.Close())
	a := response{res.StatusCode, res.Header, string(text)}
	if !strings.HasPrefix(path, "/v1/bulk") && !strings.HasPrefix(path, "/docs") && a.status >= 400 && method != http.MethodHead {
		requireErrorDocument(fx.t, a)
	}
	if strings.HasPrefix(path, "/v1/bulk/") {
		requireContract(fx.t, req, a)
	}
	return a
}

// requireErrorDocument requires that the body is Twilio's error document.
func requireErrorDocument(t *testing.T, a response) {
	t.Helper()
	require.Equal(t, "application/json; charset=utf-8", a.header.Get("Content-Type"))
	var keys map[string]any
	require.NoError(t, json.Unmarshal([]byte(a.body), &keys), a.body)
	require.Len(t, keys, 4, a.body)
	var p struct {
		Code     int    `json:"code"`
		Status   int    `json:"status"`
		Message  string `json:"message"`
		MoreInfo string `json:"more_info"`
	}
	require.NoError(t, json.Unmarshal([]byte(a.body), &p), a.body)
	require.Equal(t, a.status, p.Status, a.body)
	require.NotEmpty(t, p.Message)
	require.Contains(t, p.MoreInfo, "/docs/errors/")
}

// requireError requires an error with this status and code, whose message contains the words.
func requireError(t *testing.T, a response, status, code int, words ...string) {
	t.Helper()
	require.Equal(t, status, a.status, a.body)
	var p struct {
		Code    int
		Message string
	}
	require.NoError(t, json.Unmarshal([]byte(a.body), &p), a.body)
	require.Equal(t, code, p.Code, a.body)
	for _, word := range words {
		require.Contains(t, p.Message, word)
	}
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	require.NoError(t, json.Unmarshal([]byte(text), &v), text)
	return v
}

// eventually polls until a condition holds.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	require.Eventually(t, is, 60*time.Second, 20*time.Millisecond, "timed out: %s", what)
}

// principal returns what auth makes of the credentials.
func (fx *fixture) principal(c credentials) auth.Principal {
	return auth.Principal{Account: c.account, User: c.user, Role: c.role, Method: auth.Basic, Credential: c.name}
}
