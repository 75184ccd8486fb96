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
	"satchel/server/api"
	"satchel/server/auth"
	"satchel/server/bulk"
	"satchel/workflows"
	"satchel/workflows/registry"
)

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "4") // these tests wait more than they work
	testservices.Main(m)
}

// site is where the customers of a world reach it.
const site = "https://export.example.com"

// world is one company with a subaccount, another company, and bulk exports
// over real parts.
type world struct {
	t        *testing.T
	store    *store.BulkExports
	rows     *sqlx.DB // for looking, and for turning back the clock
	temporal client.Client
	vault    *vault.Vault
	links    schema.Links
	bulk     *bulk.Bulk
	url      string
	bucket   testservices.S3
	platform *platform

	suspended atomic.Bool // the program's account

	parent, program, member, other caller
}

// caller is somebody who knows a secret.
type caller struct {
	account, user, name, secret string
	role                        schema.Role
}

// change alters what the bulk exports of a world stand on.
type change func(*bulk.Options)

func newWorld(t *testing.T, changes ...change) *world {
	t.Helper()
	w := &world{t: t, platform: newPlatform()}
	at := testservices.Database(t)
	own, err := store.Open(at, 10)
	require.NoError(t, err)
	w.store = own.BulkExports()
	t.Cleanup(func() { require.NoError(t, w.store.Close()) })
	w.rows, err = sqlx.Open("postgres", at)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.rows.Close()) })

	w.parent = newCaller(schema.NewAccountID(), "", schema.Owner)
	w.program = newCaller(schema.NewAccountID(), "", schema.Owner)
	w.member = newCaller(w.program.account, schema.NewUserID(), schema.Member)
	w.other = newCaller(schema.NewAccountID(), "", schema.Owner)

	w.openVault()
	hooks, err := hook.New(hook.Config{})
	require.NoError(t, err)
	w.links = schema.NewLinks([]byte(rand.Text() + rand.Text()))
	o := bulk.Options{
		Store: w.store, Vault: w.vault, Directory: w, Links: w.links, Site: site, CheckHook: hooks.Check, Limits: schema.DefaultBulkLimits(),
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
	w.temporal = o.Temporal
	w.bulk = bulk.New(o)
	w.url = w.serve()
	return w
}

// openVault gives the world a bucket and a key of its own.
func (w *world) openVault() {
	w.t.Helper()
	w.bucket = testservices.Bucket(w.t)
	sayOnce.Do(func() {
		for name, value := range map[string]string{
			"AWS_ACCESS_KEY_ID": w.bucket.AccessKey, "AWS_SECRET_ACCESS_KEY": w.bucket.SecretKey, "AWS_REGION": w.bucket.Region,
		} {
			require.NoError(w.t, os.Setenv(name, value))
		}
	})
	keyset := filepath.Join(w.t.TempDir(), "keyset.json")
	require.NoError(w.t, vault.WriteKeyset(keyset))
	var err error
	w.vault, err = vault.Open(w.t.Context(), vault.Config{Bucket: w.bucket.Bucket, Endpoint: w.bucket.Endpoint, KeysetFile: keyset})
	require.NoError(w.t, err)
	w.t.Cleanup(w.vault.Close)
}

var sayOnce sync.Once // all buckets of the tests have the same credentials

// nowhere is a Temporal that does not answer.
func nowhere(t *testing.T) change {
	t.Helper()
	c, err := client.NewLazyClient(client.Options{HostPort: "127.0.0.1:1", Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return func(o *bulk.Options) { o.Temporal = c }
}

// serve puts bulk exports behind HTTP as the server does.
func (w *world) serve() string {
	e := echo.New()
	e.HideBanner = true
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		answer := api.WriteProblem
		if bulk.Speaks(c.Request()) {
			answer = w.bulk.WriteError
		}
		if err := answer(c, err); err != nil {
			w.t.Errorf("an error was not answered: %v", err)
		}
	}
	who := auth.New(auth.Options{Directory: w, Sessions: w.store.Sessions(), Site: site})
	identify := func(next echo.HandlerFunc) echo.HandlerFunc {
		known := who.Identify(next)
		return func(c echo.Context) error {
			if strings.HasPrefix(c.Path(), "/files/") {
				return next(c)
			}
			return known(c)
		}
	}
	e.Use(middleware.RequestID(), middleware.BodyLimit("64KiB"), identify)
	w.bulk.Register(e)
	server := httptest.NewServer(e)
	w.t.Cleanup(server.Close)
	return server.URL
}

// work runs a worker with real hands, but for the platform and the mail, until
// the test ends.
func (w *world) work() {
	w.t.Helper()
	hands := w.hands()
	for _, queue := range workflows.Queues {
		deedsOnly := queue != workflows.TaskQueue
		run := worker.New(w.temporal, queue, worker.Options{DisableRegistrationAliasing: true, DisableWorkflowWorker: deedsOnly, WorkerStopTimeout: time.Second})
		if !deedsOnly {
			registry.RegisterWorkflows(run)
		}
		for _, a := range hands {
			run.RegisterActivity(a)
		}
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

func (w *world) callers() []caller { return []caller{w.parent, w.program, w.member, w.other} }

// Account is what the platform's directory knows of an account.
func (w *world) Account(_ context.Context, id string) (schema.Account, error) {
	a := schema.Account{ID: id, Name: "Test"}
	if id == w.program.account {
		a.Parent, a.Suspended = w.parent.account, w.suspended.Load()
	}
	return a, nil
}

// Subaccounts is what the platform's directory knows of a family.
func (w *world) Subaccounts(_ context.Context, account string) ([]schema.Account, error) {
	if account != w.parent.account {
		return nil, nil
	}
	return []schema.Account{{ID: w.program.account, Name: "Test", Parent: account}}, nil
}

// CallDay is what the platform's directory knows of a call.
func (w *world) CallDay(_ context.Context, account, call string) (schema.Day, error) {
	return w.platform.callDay(account, call)
}

// Person is what auth asks of the platform's directory.
func (w *world) Person(_ context.Context, account, user string) (schema.Person, error) {
	return schema.Person{ID: user, Account: account, Role: schema.Owner}, nil
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

// plain adds nothing to what it sends and follows nothing.
var plain = &http.Client{
	Transport:     &http.Transport{DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// send asks, holds the answer against what every answer must be, and reads it.
func (w *world) send(as caller, method, path string, form url.Values, change ...func(*http.Request)) answer {
	w.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, body)
	require.NoError(w.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded") // twilio-go sends it always
	if as != (caller{}) {
		req.SetBasicAuth(as.name, as.secret)
	}
	for _, c := range change {
		c(req)
	}
	res, err := plain.Do(req)
	require.NoError(w.t, err)
	text, err := io.ReadAll(res.Body)
	require.NoError(w.t, err)
	require.NoError(w.t, res.Body.Close())
	a := answer{res.StatusCode, res.Header, string(text)}
	if bulk.Speaks(req) && a.status >= 400 && method != http.MethodHead {
		holdProblem(w.t, a)
	}
	if strings.HasPrefix(path, "/v1/bulk/") {
		holdAgainstContract(w.t, req, a)
	}
	return a
}

// holdProblem holds an answer against the error document of the contract.
func holdProblem(t *testing.T, a answer) {
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

// refused says that the answer is an error with this status and code, and that
// its message holds some words.
func refused(t *testing.T, a answer, status, code int, words ...string) {
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

// eventually polls until something is so, which is much sooner than the test
// gives up.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	require.Eventually(t, is, 60*time.Second, 20*time.Millisecond, "waited in vain: %s", what)
}

// principal is what auth makes of a caller.
func (w *world) principal(c caller) auth.Principal {
	return auth.Principal{Account: c.account, User: c.user, Role: c.role, Method: auth.Basic, Credential: c.name}
}
