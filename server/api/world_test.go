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
	"satchel/workflows"
	"satchel/workflows/registry"
)

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "8") // these tests wait more than they work
	testservices.Main(m)
}

// world is one company with two accounts, and the API over real parts.
type world struct {
	t        *testing.T
	store    *store.AccountExports
	rows     *sqlx.DB // for looking, and for turning back the clock
	temporal client.Client
	vault    *vault.Vault
	api      *api.API
	url      string

	account                              string
	owner, admin, member, program, other caller
}

// caller is somebody who knows a secret.
type caller struct {
	account, user, name, secret string
	role                        schema.Role
}

// option changes what the API of a world stands on.
type option func(*testing.T, *api.Deps)

func newWorld(t *testing.T, options ...option) *world {
	t.Helper()
	w := &world{t: t, account: schema.NewAccountID()}
	url := testservices.Database(t)
	own, err := store.Open(url, 10)
	require.NoError(t, err)
	w.store = own.AccountExports()
	t.Cleanup(func() { require.NoError(t, w.store.Close()) })
	w.rows, err = sqlx.Open("postgres", url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.rows.Close()) })

	w.owner = newCaller(w.account, schema.NewUserID(), schema.Owner)
	w.admin = newCaller(w.account, schema.NewUserID(), schema.Admin)
	w.member = newCaller(w.account, schema.NewUserID(), schema.Member)
	w.program = newCaller(w.account, "", schema.Owner)
	w.other = newCaller(schema.NewAccountID(), schema.NewUserID(), schema.Owner)

	deps := api.Deps{
		Store: w.store, Site: "https://export.example.com", Windows: schema.DefaultWindows(), Secret: []byte(rand.Text() + rand.Text()),
		ArchiveSchema: func(context.Context) ([]byte, error) { return []byte(`{"title":"Account export 1.0"}`), nil },
	}
	for _, change := range options {
		change(t, &deps)
	}
	w.store, w.temporal, w.vault = deps.Store, deps.Temporal, deps.Vault
	w.api = api.New(deps)
	w.url = w.serve(time.Minute)
	return w
}

// withTemporal gives the world a Temporal of its own, without a worker.
func withTemporal(t *testing.T, d *api.Deps) { d.Temporal = namespace(t) }

// bucketEnvironment says once who we are to S3: all buckets of the tests have
// the same credentials, and parallel tests cannot set the environment.
func bucketEnvironment(t *testing.T, b testservices.S3) {
	t.Helper()
	sayOnce.Do(func() {
		for name, value := range map[string]string{
			"AWS_ACCESS_KEY_ID": b.AccessKey, "AWS_SECRET_ACCESS_KEY": b.SecretKey, "AWS_REGION": b.Region,
		} {
			require.NoError(t, os.Setenv(name, value))
		}
	})
}

var sayOnce sync.Once

// serve puts the API behind HTTP as the server does. Requests may not take
// longer than the patience, except for streams.
func (w *world) serve(patience time.Duration) string {
	e := echo.New()
	e.HideBanner = true
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		if err := api.WriteProblem(c, err); err != nil {
			w.t.Errorf("an error was not answered: %v", err)
		}
	}
	who := auth.New(auth.Options{Directory: w, Sessions: w.store.Sessions(), Site: "https://export.example.com"})
	e.Use(middleware.RequestID(), who.Identify)
	w.api.Register(e)
	server := httptest.NewUnstartedServer(e)
	server.Config.ReadTimeout, server.Config.WriteTimeout = patience, patience
	server.Config.RegisterOnShutdown(w.api.EndStreams)
	server.Start()
	w.t.Cleanup(func() {
		w.api.EndStreams()
		server.Close()
	})
	return server.URL
}

// work runs a worker with these hands until the test ends.
func (w *world) work(hands any) {
	w.t.Helper()
	for _, queue := range workflows.Queues {
		deedsOnly := queue != workflows.TaskQueue
		run := worker.New(w.temporal, queue, worker.Options{DisableRegistrationAliasing: true, DisableWorkflowWorker: deedsOnly, WorkerStopTimeout: time.Second})
		if !deedsOnly {
			registry.RegisterWorkflows(run)
		}
		run.RegisterActivity(hands)
		require.NoError(w.t, run.Start())
		w.t.Cleanup(run.Stop)
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

func newCaller(account, user string, role schema.Role) caller {
	return caller{account: account, user: user, role: role, name: schema.NewAPIKeyID(), secret: rand.Text()}
}

func (w *world) callers() []caller { return []caller{w.owner, w.admin, w.member, w.program, w.other} }

// Account is what auth asks of the platform's directory.
func (w *world) Account(_ context.Context, id string) (schema.Account, error) {
	return schema.Account{ID: id, Name: "Test"}, nil
}

// Person is what auth asks of the platform's directory.
func (w *world) Person(_ context.Context, account, user string) (schema.Person, error) {
	for _, c := range w.callers() {
		if c.account == account && c.user == user {
			return schema.Person{ID: user, Account: account, Role: c.role}, nil
		}
	}
	return schema.Person{}, schema.Errorf(schema.NotFound, "not_found", "Nobody.")
}

// Credential is what auth asks of the platform's directory.
func (w *world) Credential(_ context.Context, username string) (schema.Credential, error) {
	for _, c := range w.callers() {
		if c.name == username {
			sum := sha256.Sum256([]byte(c.secret))
			return schema.Credential{Account: c.account, User: c.user, Role: c.role, SecretSHA256: sum[:]}, nil
		}
	}
	return schema.Credential{}, schema.Errorf(schema.NotFound, "not_found", "Nobody.")
}

// answer is a response, read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

// send asks the API, holds its answer against the contract, and reads it.
func (w *world) send(as caller, method, path string, change ...func(*http.Request)) answer {
	w.t.Helper()
	res := w.open(as, method, path, change...)
	body, err := io.ReadAll(res.Body)
	require.NoError(w.t, err)
	require.NoError(w.t, res.Body.Close())
	return answer{res.StatusCode, res.Header, string(body)}
}

// open is send for bodies that are better read little by little. What it
// sends, Go's client does not add to: no Accept-Encoding, no inflating.
func (w *world) open(as caller, method, path string, change ...func(*http.Request)) *http.Response {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, nil)
	require.NoError(w.t, err)
	if as != (caller{}) {
		req.SetBasicAuth(as.name, as.secret)
	}
	for _, c := range change {
		c(req)
	}
	res, err := plain.Do(req)
	require.NoError(w.t, err)
	holdAgainstContract(w.t, req, res)
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

// request asks for an export and takes no refusal.
func (w *world) request(as caller, change ...func(*http.Request)) api.ExportView {
	w.t.Helper()
	a := w.send(as, http.MethodPost, exports, change...)
	require.Equal(w.t, http.StatusAccepted, a.status, a.body)
	v := decode[api.ExportView](w.t, a.body)
	require.Equal(w.t, exports+"/"+v.ID, a.header.Get("Location"))
	return v
}

func (w *world) show(id string) api.ExportView {
	w.t.Helper()
	a := w.send(w.owner, http.MethodGet, exports+"/"+id)
	require.Equal(w.t, http.StatusOK, a.status, a.body)
	return decode[api.ExportView](w.t, a.body)
}

// until waits for the export to have this status.
func (w *world) until(id string, status schema.Status) api.ExportView {
	w.t.Helper()
	var v api.ExportView
	eventually(w.t, "the export is "+string(status), func() bool {
		v = w.show(id)
		return v.Status == status
	})
	return v
}

// confirm does what the page behind the mailed link does.
func (w *world) confirm(id string) {
	w.t.Helper()
	_, err := w.api.Confirm(w.t.Context(), w.principal(w.owner), id)
	require.NoError(w.t, err)
}

// principal is what auth makes of a caller.
func (w *world) principal(c caller) auth.Principal {
	return auth.Principal{Account: c.account, User: c.user, Role: c.role, Method: auth.Basic, Credential: c.name}
}

// problem is what an answer says of what went wrong.
type problem struct {
	Type, Title, Code, Detail string
	Status                    int
	RequestID                 string
	ExportID                  *string
	AvailableAt               *time.Time
}

// refused says that the answer is a problem with this status and code.
func refused(t *testing.T, a answer, status int, code string) problem {
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

// eventually polls until something is so, which is much sooner than the test
// gives up.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	require.Eventually(t, is, 30*time.Second, 20*time.Millisecond, "waited in vain: %s", what)
}
