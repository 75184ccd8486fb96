package api_test

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
	"os"
	"strings"
	"sync"
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

	"satchel/activities/vault"
	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/api"
	"satchel/server/auth"
	"satchel/server/respond"
	"satchel/workflows"
	"satchel/workflows/registry"
)

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "4") // these tests wait more than they work
	testservices.Main(m)
}

// fixture is two accounts, and the API over real dependencies.
type fixture struct {
	t        *testing.T
	store    *store.AccountExports
	rows     *sqlx.DB // for assertions, and to move timestamps
	temporal client.Client
	vault    *vault.Vault
	api      *api.API
	url      string

	account                              string
	owner, admin, member, program, other credentials
}

// credentials are an API key of an account.
type credentials struct {
	account, user, name, secret string
	role                        schema.Role
}

// anonymous sends no credentials.
var anonymous credentials

// option changes the dependencies of a fixture's API.
type option func(*testing.T, *api.Deps)

func newFixture(t *testing.T, options ...option) *fixture {
	t.Helper()
	fx := &fixture{t: t, account: schema.NewAccountID()}
	url := testservices.Database(t)
	db, err := store.Open(url, 10)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	fx.store = db.AccountExports()
	fx.rows, err = sqlx.Open("postgres", url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, fx.rows.Close()) })

	fx.owner = newCredentials(fx.account, schema.NewUserID(), schema.Owner)
	fx.admin = newCredentials(fx.account, schema.NewUserID(), schema.Admin)
	fx.member = newCredentials(fx.account, schema.NewUserID(), schema.Member)
	fx.program = newCredentials(fx.account, "", schema.Owner)
	fx.other = newCredentials(schema.NewAccountID(), schema.NewUserID(), schema.Owner)

	deps := api.Deps{
		Store: fx.store, Site: "https://export.example.com", Windows: schema.DefaultWindows(), Secret: []byte(rand.Text() + rand.Text()),
		ArchiveSchema: func(context.Context) ([]byte, error) { return []byte(`{"title":"Account export 1.0"}`), nil },
	}
	for _, change := range options {
		change(t, &deps)
	}
	fx.store, fx.temporal, fx.vault = deps.Store, deps.Temporal, deps.Vault
	fx.api = api.New(deps)
	fx.url = fx.serve(time.Minute)
	return fx
}

// withTemporal gives the fixture a Temporal namespace of its own, without a worker.
func withTemporal(t *testing.T, d *api.Deps) { d.Temporal = namespace(t) }

// bucketEnvironment sets S3's credentials once: they are the same for all buckets
// of the tests, and parallel tests cannot set the environment.
func bucketEnvironment(t *testing.T, b testservices.S3) {
	t.Helper()
	setEnvOnce.Do(func() {
		for name, value := range map[string]string{
			"AWS_ACCESS_KEY_ID": b.AccessKey, "AWS_SECRET_ACCESS_KEY": b.SecretKey, "AWS_REGION": b.Region,
		} {
			require.NoError(t, os.Setenv(name, value))
		}
	})
}

var setEnvOnce sync.Once

// serve puts the API behind HTTP as the server does. The timeout is that of the
// HTTP server, for everything but streams.
func (fx *fixture) serve(timeout time.Duration) string {
	e := echo.New()
	e.HideBanner = true
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		if err := respond.Problem(c, err); err != nil {
			fx.t.Errorf("an error was not answered: %v", err)
		}
	}
	who := auth.New(auth.Options{Directory: fx, Sessions: fx.store.Sessions(), Site: "https://export.example.com"})
	routes := respond.NewRouter(e)
	e.Use(middleware.RequestID(), who.Identify, auth.Authorize)
	fx.api.Register(routes)
	server := httptest.NewUnstartedServer(e)
	server.Config.ReadTimeout, server.Config.WriteTimeout = timeout, timeout
	server.Config.RegisterOnShutdown(fx.api.EndStreams)
	server.Start()
	fx.t.Cleanup(func() {
		fx.api.EndStreams()
		server.Close()
	})
	return server.URL
}

// startWorkers runs a worker for each queue until the test ends.
func (fx *fixture) startWorkers(activities any) {
	fx.t.Helper()
	for _, queue := range workflows.Queues {
		activitiesOnly := queue != workflows.TaskQueue
		run := worker.New(fx.temporal, queue, worker.Options{DisableRegistrationAliasing: true, DisableWorkflowWorker: activitiesOnly, WorkerStopTimeout: time.Second})
		if !activitiesOnly {
			registry.RegisterWorkflows(run)
		}
		run.RegisterActivity(activities)
		require.NoError(fx.t, run.Start())
		fx.t.Cleanup(run.Stop)
	}
}

// namespace makes a Temporal namespace that knows our search attributes, so
// that no other test's worker takes what is started in it.
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

func (fx *fixture) allCredentials() []credentials {
	return []credentials{fx.owner, fx.admin, fx.member, fx.program, fx.other}
}

// Account implements auth.Directory.
func (fx *fixture) Account(_ context.Context, id string) (schema.Account, error) {
	return schema.Account{ID: id, Name: "Test"}, nil
}

// Person implements auth.Directory.
func (fx *fixture) Person(_ context.Context, account, user string) (schema.Person, error) {
	for _, c := range fx.allCredentials() {
		if c.account == account && c.user == user {
			return schema.Person{ID: user, Account: account, Role: c.role}, nil
		}
	}
	return schema.Person{}, schema.Errorf(schema.NotFound, schema.CodeNotFound, "Not found.")
}

// Credential implements auth.Directory.
func (fx *fixture) Credential(_ context.Context, username string) (schema.Credential, error) {
	for _, c := range fx.allCredentials() {
		if c.name == username {
			sum := sha256.Sum256([]byte(c.secret))
			return schema.Credential{Account: c.account, User: c.user, Role: c.role, SecretSHA256: sum[:]}, nil
		}
	}
	return schema.Credential{}, schema.Errorf(schema.NotFound, schema.CodeNotFound, "Not found.")
}

// response is an HTTP response, read to its end.
type response struct {
	status int
	header http.Header
	body   string
}

// send sends a request, checks the response against the contract, and reads it.
func (fx *fixture) send(as credentials, method, path string, change ...func(*http.Request)) response {
	fx.t.Helper()
	res := fx.open(as, method, path, change...)
	body, err := io.ReadAll(res.Body)
	require.NoError(fx.t, err)
	require.NoError(fx.t, res.Body.Close())
	return response{res.StatusCode, res.Header, string(body)}
}

// open is send for bodies that the test reads itself. The client adds no
// Accept-Encoding and does not decompress.
func (fx *fixture) open(as credentials, method, path string, change ...func(*http.Request)) *http.Response {
	fx.t.Helper()
	req, err := http.NewRequestWithContext(fx.t.Context(), method, fx.url+path, nil)
	require.NoError(fx.t, err)
	if as != (anonymous) {
		req.SetBasicAuth(as.name, as.secret)
	}
	for _, c := range change {
		c(req)
	}
	res, err := plain.Do(req)
	require.NoError(fx.t, err)
	requireContract(fx.t, req, res)
	return res
}

var plain = &http.Client{Transport: &http.Transport{DisableCompression: true}}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func body(text string) func(*http.Request) {
	return func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
		r.Header.Set("Content-Type", "application/json")
	}
}

const exports = "/v1/account/exports"

// request starts an export, which must succeed.
func (fx *fixture) request(as credentials, change ...func(*http.Request)) api.ExportView {
	fx.t.Helper()
	a := fx.send(as, http.MethodPost, exports, change...)
	require.Equal(fx.t, http.StatusAccepted, a.status, a.body)
	v := decode[api.ExportView](fx.t, a.body)
	require.Equal(fx.t, exports+"/"+v.ID, a.header.Get("Location"))
	return v
}

func (fx *fixture) show(id string) api.ExportView {
	fx.t.Helper()
	a := fx.send(fx.owner, http.MethodGet, exports+"/"+id)
	require.Equal(fx.t, http.StatusOK, a.status, a.body)
	return decode[api.ExportView](fx.t, a.body)
}

// until waits for the export to have this status.
func (fx *fixture) until(id string, status schema.Status) api.ExportView {
	fx.t.Helper()
	var v api.ExportView
	eventually(fx.t, "the export is "+string(status), func() bool {
		v = fx.show(id)
		return v.Status == status
	})
	return v
}

// confirm does what the page of the mailed link does.
func (fx *fixture) confirm(id string) {
	fx.t.Helper()
	_, err := fx.api.Confirm(fx.t.Context(), fx.principal(fx.owner), id)
	require.NoError(fx.t, err)
}

// principal is what auth makes of credentials.
func (fx *fixture) principal(c credentials) auth.Principal {
	return auth.Principal{Account: c.account, User: c.user, Role: c.role, Method: auth.Basic, Credential: c.name}
}

// problem is a decoded problem document.
type problem struct {
	Type, Title, Code, Detail string
	Status                    int
	RequestID                 string
	ExportID                  *string
	AvailableAt               *time.Time
}

// requireProblem checks that the response is a problem with this status and code.
func requireProblem(t *testing.T, a response, status int, code string) problem {
	t.Helper()
	require.Equal(t, status, a.status, a.body)
	require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
	p := decode[problem](t, a.body)
	require.Equal(t, code, p.Code)
	require.Equal(t, status, p.Status)
	require.Equal(t, http.StatusText(status), p.Title)
	require.Equal(t, "about:blank", p.Type)
	require.NotEmpty(t, p.Detail)
	return p
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
	require.Eventually(t, is, 30*time.Second, 20*time.Millisecond, "waited in vain: %s", what)
}
