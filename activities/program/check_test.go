package program

import (
	"bytes"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"

	"satchel/activities/mail"
	"satchel/activities/vault"
	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/directory"
	"satchel/schema/store"
	"satchel/schema/store/source"
	workflowclient "satchel/workflows/client"
)

func TestMain(m *testing.M) { testservices.Main(m) }

// deployment is what one program is set up with.
type deployment struct {
	t       *testing.T
	data    Data
	linkKey string
	env     map[string]string

	archiveURL string // of a worker
	domains    string // what the email provider answers, as a status and a body
}

// newDeployment returns the settings of a deployment in which everything is right.
func newDeployment(t *testing.T) *deployment {
	bucket, database := testservices.Bucket(t), testservices.Database(t)
	d := &deployment{t: t, linkKey: newLinkKey(), env: map[string]string{
		"AWS_ACCESS_KEY_ID": bucket.AccessKey, "AWS_SECRET_ACCESS_KEY": bucket.SecretKey, "AWS_REGION": bucket.Region,
		"TEMPORAL_ADDRESS": testservices.Temporal(t), "TEMPORAL_NAMESPACE": "default", "TEMPORAL_TLS": "",
	}}
	d.data = Data{Database: Database{DatabaseURL: database}, SourceDatabaseURL: database}
	d.archiveURL, d.domains = database, `200 {"object": "list", "data": [{"name": "acme.example", "status": "verified"}]}`
	d.data.Vault = vault.Config{Bucket: bucket.Bucket, Endpoint: bucket.Endpoint, KeysetFile: newKeyset(t)}
	return d
}

func newLinkKey() string { return strings.ToLower(strings.Repeat(rand.Text(), 3))[:64] }

func newKeyset(t *testing.T) string {
	file := filepath.Join(t.TempDir(), "keyset.json")
	require.NoError(t, vault.WriteKeyset(file))
	return file
}

// start connects a worker or a server as main does. A setting that stops it is an error.
func (d *deployment) start(worker bool) (*Readiness, *logBuffer, error) {
	for name, value := range d.env {
		d.t.Setenv(name, value)
	}
	log := &logBuffer{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	queries, err := d.data.Catalog()
	if err != nil {
		return nil, nil, err
	}
	objects, err := d.data.OpenVault(d.t.Context(), false)
	if err != nil {
		return nil, nil, err
	}
	d.t.Cleanup(objects.Close)
	own, err := store.Open(d.data.DatabaseURL, 4)
	if err != nil {
		return nil, nil, err
	}
	d.t.Cleanup(func() { require.NoError(d.t, own.Close()) })
	platform, err := source.Open(d.t.Context(), d.data.SourceURL(), 4)
	if err != nil {
		return nil, nil, err
	}
	d.t.Cleanup(func() { require.NoError(d.t, platform.Close()) })
	options, err := workflowclient.Options(slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, err
	}
	temporal, err := client.NewLazyClient(options)
	if err != nil {
		return nil, nil, err
	}
	d.t.Cleanup(temporal.Close)
	needs := Needs{
		Store: own, SourceDB: platform, Source: source.NewPlatform(platform, queries), Catalog: queries, Vault: objects,
		Links: schema.NewLinks([]byte(d.linkKey)), CheckNamespace: workflowclient.CheckNamespace(temporal, options.Namespace), CheckSearchAttributes: workflowclient.CheckSearchAttributes(temporal, options.Namespace),
		Bulk: queries.HasDays(), RunsExports: worker,
	}
	if worker {
		if erase := queries.EraseCalls(); erase != "" {
			archive, err := source.OpenArchive(d.archiveURL, erase, 2)
			if err != nil {
				return nil, nil, err
			}
			d.t.Cleanup(func() { require.NoError(d.t, archive.Close()) })
			needs.Archive = archive
		}
		mailer, err := mail.New(mail.Config{APIKey: "re_key", BaseURL: d.emailProvider(), From: "Acme <exports@acme.example>"})
		if err != nil {
			return nil, nil, err
		}
		needs.Mail = mailer
	}
	return NewReadiness(logger, needs.Checks()), log, nil
}

// emailProvider serves an email provider that lists its domains.
func (d *deployment) emailProvider() string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, body, _ := strings.Cut(d.domains, " ")
		if r.URL.Path != "/domains" || r.Header.Get("Authorization") != "Bearer re_key" {
			status = "404"
		}
		code, _ := strconv.Atoi(status)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}))
	d.t.Cleanup(server.Close)
	return server.URL
}

// logBuffer is a log that is read while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// awaitReady waits until all parts are ok and have been compared.
func awaitReady(t *testing.T, r *Readiness) {
	t.Helper()
	require.Eventually(t, func() bool {
		parts := checkNow(t, r)
		r.results.Lock()
		defer r.results.Unlock()
		return !slices.ContainsFunc(r.checks, func(c *check) bool { return parts[c.Part].State != StateOK || c.err != nil })
	}, time.Minute, 20*time.Millisecond, "%v", r.Parts(t.Context()))
}

// checkNow runs all checks, however lately they were run.
func checkNow(t *testing.T, r *Readiness) map[string]Part {
	r.results.Lock()
	for _, c := range r.checks {
		c.at = time.Time{}
	}
	r.results.Unlock()
	r.mu.Lock()
	r.checked = time.Time{}
	r.mu.Unlock()
	return r.Parts(t.Context())
}

func (d *deployment) exec(statements ...string) {
	d.t.Helper()
	db, err := sql.Open("postgres", d.data.DatabaseURL)
	require.NoError(d.t, err)
	defer db.Close() //nolint:errcheck // nothing is lost by it
	for _, statement := range statements {
		_, err := db.Exec(statement)
		require.NoError(d.t, err, statement)
	}
}

// as returns the URL of the same database for another role.
func as(role, url string) string { return strings.Replace(url, "satchel:satchel@", role+":x@", 1) }

// catalogDir makes a copy of the built-in catalog with one file changed.
func (d *deployment) catalogDir(file, old, new string) string {
	dir := d.t.TempDir()
	require.NoError(d.t, os.CopyFS(filepath.Join(dir, "directory"), directory.Files))
	files, err := filepath.Glob("../../schema/catalog/*.sql")
	require.NoError(d.t, err)
	for _, f := range files {
		text, err := os.ReadFile(f)
		require.NoError(d.t, err)
		require.NoError(d.t, os.WriteFile(filepath.Join(dir, filepath.Base(f)), text, 0o600))
	}
	text, err := os.ReadFile(filepath.Join(dir, file))
	require.NoError(d.t, err)
	require.Contains(d.t, string(text), old)
	require.NoError(d.t, os.WriteFile(filepath.Join(dir, file), []byte(strings.Replace(string(text), old, new, 1)), 0o600))
	return dir
}

// newNamespace makes a namespace with search attributes of these types.
func (d *deployment) newNamespace(attributes map[string]enumspb.IndexedValueType) string {
	name := "test-" + strings.ToLower(rand.Text())
	c, err := client.Dial(client.Options{HostPort: d.env["TEMPORAL_ADDRESS"], Namespace: name, Logger: discard{}})
	require.NoError(d.t, err)
	defer c.Close()
	_, err = c.WorkflowService().RegisterNamespace(d.t.Context(), &workflowservice.RegisterNamespaceRequest{
		Namespace: name, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	})
	require.NoError(d.t, err)
	require.Eventually(d.t, func() bool {
		_, err := c.OperatorService().AddSearchAttributes(d.t.Context(), &operatorservice.AddSearchAttributesRequest{Namespace: name, SearchAttributes: attributes})
		return err == nil
	}, 30*time.Second, 50*time.Millisecond)
	return name
}

type discard struct{}

func (discard) Debug(string, ...any) {}
func (discard) Info(string, ...any)  {}
func (discard) Warn(string, ...any)  {}
func (discard) Error(string, ...any) {}

// Each row breaks one thing of a deployment that works.
func TestAMistakeOfSetUpIsNamedWithItsSettingAtStartOrByReadiness(t *testing.T) {
	const both, workers, servers = "worker server", "worker", "server"
	for name, c := range map[string]struct {
		breaks   func(d *deployment)
		programs string
		refusal  string // the program does not start, with this sentence
		part     string // that readiness reports, with this sentence
		reason   string
	}{
		"nothing is wrong": {programs: both},

		"Temporal has no such namespace": {programs: both, breaks: func(d *deployment) { d.env["TEMPORAL_NAMESPACE"] = "nowhere" },
			part: PartTemporal, reason: "correct TEMPORAL_NAMESPACE, or create it with: temporal operator namespace create"},
		"search attributes are missing": {programs: both, breaks: func(d *deployment) {
			d.env["TEMPORAL_NAMESPACE"] = d.newNamespace(map[string]enumspb.IndexedValueType{"ExportAccount": enumspb.INDEXED_VALUE_TYPE_KEYWORD})
		}, part: PartTemporal, reason: "The namespace in TEMPORAL_NAMESPACE lacks the search attribute ExportStatus of the type Keyword"},
		"a search attribute has another type": {programs: both, breaks: func(d *deployment) {
			d.env["TEMPORAL_NAMESPACE"] = d.newNamespace(map[string]enumspb.IndexedValueType{"ExportAccount": enumspb.INDEXED_VALUE_TYPE_TEXT, "ExportStatus": enumspb.INDEXED_VALUE_TYPE_KEYWORD})
		}, part: PartTemporal, reason: "lacks the search attribute ExportAccount of the type Keyword"},
		"Temporal is away": {programs: both, breaks: func(d *deployment) { d.env["TEMPORAL_ADDRESS"] = "127.0.0.1:1" },
			part: PartTemporal, reason: "Temporal does not answer. Look at TEMPORAL_ADDRESS, TEMPORAL_TLS, TEMPORAL_API_KEY."},
		"TEMPORAL_ADDRESS is a URL": {programs: both, breaks: func(d *deployment) { d.env["TEMPORAL_ADDRESS"] = "http://temporal.example.com:7233" },
			refusal: "TEMPORAL_ADDRESS must be a host and a port, such as temporal.example.com:7233"},
		"TEMPORAL_ADDRESS has no port": {programs: both, breaks: func(d *deployment) { d.env["TEMPORAL_ADDRESS"] = "temporal.example.com" },
			refusal: "TEMPORAL_ADDRESS must be a host and a port"},
		"TEMPORAL_TLS is neither true nor false": {programs: both, breaks: func(d *deployment) { d.env["TEMPORAL_TLS"] = "maybe" },
			refusal: "TEMPORAL_TLS must be true or false"},

		"the database was never migrated": {programs: both, breaks: func(d *deployment) { d.data.DatabaseURL = testservices.EmptyDatabase(d.t) },
			part: PartDatabase, reason: "The database was never migrated: run worker migrate, with the DATABASE_URL of the role that owns the database."},
		"the database is older": {programs: both, breaks: func(d *deployment) {
			d.exec(`delete from public.satchel_migrations where version_id = (select max(version_id) from public.satchel_migrations)`)
		}, part: PartDatabase, reason: "The database lacks a migration of this version: run this version's worker migrate, with the DATABASE_URL"},
		"the database is newer": {programs: both, breaks: func(d *deployment) {
			d.exec(`insert into public.satchel_migrations (version_id, is_applied) values (99999, true)`)
		}, part: PartDatabase, reason: "The database was migrated for a newer version: start that version, or correct DATABASE_URL."},
		"the role has no grants": {programs: both, breaks: func(d *deployment) {
			role := newRole(d, `grant select on public.satchel_migrations to %`, `grant usage on schema satchel to %`,
				`grant select, insert, update, delete on all tables in schema satchel to %`, `revoke update on satchel.pieces from %`)
			d.data.DatabaseURL = as(role, d.data.DatabaseURL)
		}, part: PartDatabase, reason: "The role in DATABASE_URL may not use satchel.pieces: grant it what docs/running.md lists"},
		"the database is read-only": {programs: both, breaks: func(d *deployment) {
			d.data.DatabaseURL += "&default_transaction_read_only=on"
		}, part: PartDatabase, reason: "The database takes no writes: DATABASE_URL must lead to the primary"},
		"the password is wrong": {programs: both, breaks: func(d *deployment) {
			d.data.DatabaseURL = strings.Replace(d.data.DatabaseURL, "satchel:satchel@", "satchel:mistaken@", 1)
		}, part: PartDatabase, reason: "SQLSTATE 28P01 (user or password are wrong, or may not connect). Look at DATABASE_URL."},

		"another LINK_KEY": {programs: both, breaks: func(d *deployment) { d.linkKey = newLinkKey() },
			part: PartDatabase, reason: "LINK_KEY is not the one that the workers make links with: give all programs the same."},
		"another keyset": {programs: both, breaks: func(d *deployment) { d.data.Vault.KeysetFile = newKeyset(d.t) },
			part: PartStorage, reason: "KEYSET_FILE (or KMS_KEY_URI) is not the key that the workers use"},
		"others can read the keyset": {programs: both, breaks: func(d *deployment) {
			require.NoError(d.t, os.Chmod(d.data.Vault.KeysetFile, 0o644))
		}, refusal: "others can read or change KEYSET_FILE"},

		"a server without CATALOG_DIR": {programs: servers, breaks: func(d *deployment) {
			d.exec(`delete from satchel.shared_settings where name = 'catalog'`)
			own := *d
			own.data.CatalogDir = d.catalogDir("calls.sql", "where ", "where true and ")
			own.startWorker()
		}, part: PartSourceDatabase, reason: "The catalog is not the one that the workers use: give CATALOG_DIR the same files everywhere"},
		"the built-in catalog against another schema": {programs: both, breaks: func(d *deployment) { d.data.SourceDatabaseURL = testservices.EmptyDatabase(d.t) },
			part: PartSourceDatabase, reason: "The catalog (CATALOG_DIR, or the built-in one where it is not set) does not fit the database in SOURCE_DATABASE_URL: directory/people.sql names a table that is not there"},
		"a _key that has no order": {programs: workers, breaks: func(d *deployment) {
			d.data.CatalogDir = d.catalogDir("calls.sql", "as _key", "::text::json as _key")
		}, part: PartSourceDatabase, reason: "calls.sql is refused: _key has the type json, which Postgres can neither sort nor compare"},
		"a _key that no text can be cast to": {programs: workers, breaks: func(d *deployment) {
			d.data.CatalogDir = d.catalogDir("users.sql", "u.id as _key", "row(u.id, 1) as _key")
		}, part: PartSourceDatabase, reason: "users.sql is refused: _key has the type record"},
		"a column of a category is not there": {programs: workers, breaks: func(d *deployment) { d.exec(`alter table platform.charges rename column tax to vat`) },
			part: PartSourceDatabase, reason: "charges.sql names a column that is not there"},
		"the reader may not read a table": {programs: workers, breaks: func(d *deployment) {
			role := newRole(d, `grant usage on schema platform to %`, `grant select on all tables in schema platform to %`, `revoke select on platform.charges from %`)
			d.data.SourceDatabaseURL = as(role, d.data.SourceDatabaseURL)
		}, part: PartSourceDatabase, reason: "charges.sql reads what the role in SOURCE_DATABASE_URL may not: grant it"},

		"the server may not read what secrets are checked against": {programs: servers, breaks: func(d *deployment) {
			role := newRole(d, `grant usage on schema platform to %`, `grant select on all tables in schema platform to %`, `revoke select on platform.api_keys from %`)
			d.data.SourceDatabaseURL = as(role, d.data.SourceDatabaseURL)
		}, part: PartSourceDatabase, reason: "directory/credentials.sql reads what the role in SOURCE_DATABASE_URL may not: grant it"},
		"the worker may not read what webhooks are signed with": {programs: workers, breaks: func(d *deployment) {
			role := newRole(d, `grant usage on schema platform to %`, `grant select on all tables in schema platform to %`, `revoke select on platform.accounts from %`,
				`grant select (sid, name, type, parent_sid, status, suspended, auth_token_sha256) on platform.accounts to %`)
			d.data.SourceDatabaseURL = as(role, d.data.SourceDatabaseURL)
		}, part: PartSourceDatabase, reason: "directory/signing.sql reads what the role in SOURCE_DATABASE_URL may not: grant it"},

		"the archive's role may not delete": {programs: workers, breaks: func(d *deployment) {
			d.archiveURL = as(newRole(d, `grant usage on schema platform to %`, `grant select on platform.calls_archive to %`), d.archiveURL)
		}, part: PartArchive, reason: "Calls cannot be erased from the archive in ARCHIVE_DATABASE_URL: days/erase/Calls.sql of the catalog needs what the role may not do: grant it select and delete"},
		"the archive is another database": {programs: workers, breaks: func(d *deployment) { d.archiveURL = testservices.EmptyDatabase(d.t) },
			part: PartArchive, reason: "names a table or a column that is not there"},
		"the archive is read-only": {programs: workers, breaks: func(d *deployment) { d.archiveURL += "&default_transaction_read_only=on" },
			part: PartArchive, reason: "ARCHIVE_DATABASE_URL must lead to the primary"},
		"the archive's password is wrong": {programs: workers, breaks: func(d *deployment) {
			d.archiveURL = strings.Replace(d.archiveURL, "satchel:satchel@", "satchel:mistaken@", 1)
		}, part: PartArchive, reason: "SQLSTATE 28P01 (user or password are wrong, or may not connect). Look at ARCHIVE_DATABASE_URL."},

		"the email provider does not know the key": {programs: workers, breaks: func(d *deployment) {
			d.domains = `400 {"statusCode": 400, "name": "validation_error", "message": "API key is invalid"}`
		}, part: PartMail, reason: "does not know the key in RESEND_API_KEY"},
		"the sender's domain is not verified": {programs: workers, breaks: func(d *deployment) {
			d.domains = `200 {"object": "list", "data": [{"name": "acme.example", "status": "pending"}, {"name": "example", "status": "verified"}]}`
		}, part: PartMail, reason: "has not verified the domain of MAIL_FROM"},
		"the key may only send": {programs: workers, breaks: func(d *deployment) {
			d.domains = `401 {"statusCode": 401, "name": "restricted_api_key", "message": "This API key is restricted to only send emails"}`
		}},
		"the email provider is away": {programs: workers, breaks: func(d *deployment) { d.domains = "503 " }},

		"the bucket's secret is wrong": {programs: both, breaks: func(d *deployment) { d.env["AWS_SECRET_ACCESS_KEY"] = "mistaken" },
			part: PartStorage, reason: "AWS_SECRET_ACCESS_KEY"},
		"there is no such bucket": {programs: both, breaks: func(d *deployment) { d.data.Vault.Bucket = "nowhere" },
			part: PartStorage, reason: "S3_BUCKET"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDeployment(t)
			d.startWorker()
			if c.breaks != nil {
				c.breaks(d)
			}
			for program := range strings.FieldsSeq(c.programs) {
				r, log, err := d.start(program == workers)
				if c.refusal != "" {
					require.ErrorContains(t, err, c.refusal, program)
					continue
				}
				require.NoError(t, err, program)
				if c.part == "" {
					awaitReady(t, r)
					continue
				}
				require.Eventually(t, func() bool {
					return strings.Contains(reason(t, r, c.part), c.reason)
				}, 30*time.Second, 20*time.Millisecond, "%s: %v", program, r.Parts(t.Context()))
				recorder := httptest.NewRecorder()
				r.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
				require.Equal(t, http.StatusServiceUnavailable, recorder.Code)
				var body struct{ Reasons map[string]string }
				require.NoError(t, json.Unmarshal(recorder.Body.Bytes(), &body))
				require.Contains(t, body.Reasons[c.part], c.reason)
				for _, secret := range []string{"127.0.0.1", "satchel:", "mistaken", d.linkKey, "postgres://"} {
					require.NotContains(t, recorder.Body.String(), secret)
				}
				require.Contains(t, log.String(), body.Reasons[c.part][:20], "the log says it, too")
			}
		})
	}
}

// startWorker starts a worker for which all is right.
func (d *deployment) startWorker() *Readiness {
	d.t.Helper()
	r, _, err := d.start(true)
	require.NoError(d.t, err)
	awaitReady(d.t, r)
	return r
}

// startServer starts a server for which all is right.
func (d *deployment) startServer() *Readiness {
	d.t.Helper()
	r, _, err := d.start(false)
	require.NoError(d.t, err)
	awaitReady(d.t, r)
	return r
}

// reason checks anew and returns why a part is not ok.
func reason(t *testing.T, r *Readiness, part string) string { return checkNow(t, r)[part].Reason }

func TestADatabaseThatIsMigratedForTheNextReleaseLeavesWhatRunsReady(t *testing.T) {
	d := newDeployment(t)
	running := d.startServer()
	d.exec(`insert into public.satchel_migrations (version_id, is_applied) values (99999, true)`)
	require.Empty(t, reason(t, running, PartDatabase))
	started, _, err := d.start(false)
	require.NoError(t, err)
	require.Contains(t, reason(t, started, PartDatabase), "newer version")
}

func TestAServerStaysReadyWhileTheNextReleaseBringsAnotherCatalog(t *testing.T) {
	d := newDeployment(t)
	d.startWorker()
	server := d.startServer()
	next := *d
	next.data.CatalogDir = d.catalogDir("calls.sql", "where ", "where true and ")
	waiting, _, err := next.start(false)
	require.NoError(t, err)
	require.Contains(t, reason(t, waiting, PartSourceDatabase), "start the workers first")
	next.startWorker()
	require.Empty(t, reason(t, server, PartSourceDatabase))
	require.Empty(t, reason(t, waiting, PartSourceDatabase))
	next.data.CatalogDir = d.catalogDir("users.sql", "where ", "where true and ")
	next.startWorker()
	require.Contains(t, reason(t, server, PartSourceDatabase), "The catalog is not the one that the workers use", "two releases behind")
}

func TestAKeysetIsChangedStepByStepWhileAllProgramsStayReady(t *testing.T) {
	d := newDeployment(t)
	before, after := d.data.Vault.KeysetFile, newKeyset(t)
	var running []*Readiness
	for _, keyset := range []string{before, merged(t, before, after), merged(t, after, before), after} {
		d.data.Vault.KeysetFile = keyset
		running = append(running[max(0, len(running)-2):], d.startWorker(), d.startServer()) // one program after the other is restarted
		for _, r := range running {
			require.Empty(t, reason(t, r, PartStorage))
		}
	}
	d.data.Vault.KeysetFile = before
	r, _, err := d.start(false)
	require.NoError(t, err)
	require.Contains(t, reason(t, r, PartStorage), "KEYSET_FILE")
}

// merged makes a keyset that opens with the keys of both files and seals with that of
// the first.
func merged(t *testing.T, first, second string) string {
	var a, b struct {
		PrimaryKeyID uint32            `json:"primaryKeyId"`
		Key          []json.RawMessage `json:"key"`
	}
	for file, keyset := range map[string]any{first: &a, second: &b} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, keyset))
	}
	a.Key = append(a.Key, b.Key...)
	text, err := json.Marshal(a)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "keyset.json")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	return file
}

func TestAKeyIsChangedByDeletingTheRecordOfTheOldOne(t *testing.T) {
	for name, c := range map[string]struct {
		change func(d *deployment)
		part   string
	}{
		"link key":       {func(d *deployment) { d.linkKey = newLinkKey() }, PartDatabase},
		"deployment key": {func(d *deployment) { d.data.Vault.KeysetFile = newKeyset(d.t) }, PartStorage},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDeployment(t)
			old := d.startWorker()
			c.change(d)
			server, _, err := d.start(false)
			require.NoError(t, err)
			require.NotEmpty(t, reason(t, server, c.part))
			d.exec(`delete from satchel.shared_settings where name = '` + name + `'`)
			require.Empty(t, reason(t, old, c.part), "it does not record the old key again")
			d.startWorker()
			require.Empty(t, reason(t, server, c.part))
			require.NotEmpty(t, reason(t, old, c.part))
		})
	}
}

// newRole makes a role with these grants, in which % is the role.
func newRole(d *deployment, grants ...string) string {
	role := "role_" + strings.ToLower(rand.Text())
	admin := *d
	d.exec(`create role ` + role + ` login password 'x'`)
	for _, grant := range grants {
		d.exec(strings.Replace(grant, "%", role, 1))
	}
	d.t.Cleanup(func() { admin.exec(`drop owned by `+role, `drop role `+role) })
	return role
}
