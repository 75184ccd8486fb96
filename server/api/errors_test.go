package api_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/api"
	workflowclient "satchel/workflows/client"
)

func TestWithoutTemporalNothingStartsAndTheAnswerIs503(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{"no listener": closedAddress(t), "no answer": silentAddress(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fx := newFixture(t, func(t *testing.T, d *api.Deps) { d.Temporal = temporalAt(t, address) })
			id := schema.NewExportID()
			fx.openRow(id)
			var all sync.WaitGroup
			for _, route := range []struct{ method, path string }{
				{"POST", ""}, {"POST", "/" + id + "/cancel"}, {"POST", "/" + id + "/confirmation"}, {"GET", "/" + schema.NewExportID()},
			} {
				all.Go(func() {
					a := fx.send(fx.owner, route.method, exports+route.path)
					requireProblem(t, a, http.StatusServiceUnavailable, "temporal_unavailable")
					require.Equal(t, "8", a.header.Get("Retry-After"))
				})
			}
			all.Wait()
			require.Equal(t, schema.Pending, fx.show(id).Status) // what is written can be read all the same
			a := fx.send(fx.owner, http.MethodGet, exports)
			require.Equal(t, http.StatusOK, a.status, a.body)
			list := decode[struct{ Exports []api.ExportView }](t, a.body).Exports
			require.Len(t, list, 1)
			require.Equal(t, id, list[0].ID)
			var actions []store.Action
			require.NoError(t, fx.rows.Select(&actions, `select action from satchel.audit where subject = $1`, id))
			require.Equal(t, []store.Action{store.ActionRequested}, actions) // no mail was counted
			rows, err := fx.store.Exports(t.Context(), fx.account, 10)
			require.NoError(t, err)
			require.Len(t, rows, 1)

			sum := strings.Repeat("ab", 32)
			require.NoError(t, fx.store.ConfirmExport(t.Context(), id, fx.owner.user, "recipient", []byte("wrapped")))
			_, err = fx.store.StartCollecting(t.Context(), id)
			require.NoError(t, err)
			_, err = fx.store.CompleteExport(t.Context(), id, schema.Archive{ObjectKey: "archive", Size: 100, SHA256: sum, GzipSize: 50, GzipSHA256: sum}, schema.DefaultWindows())
			require.NoError(t, err)
			requireProblem(t, fx.send(fx.owner, http.MethodDelete, exports+"/"+id), http.StatusServiceUnavailable, "temporal_unavailable")
			require.Equal(t, schema.Completed, fx.show(id).Status)
		})
	}
}

func TestAPageHasItsListInTimeWhileTemporalHangs(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, func(t *testing.T, d *api.Deps) { d.Temporal = temporalAt(t, silentAddress(t)) })
	id := schema.NewExportID()
	fx.openRow(id)
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second) // as long as a page that is followed waits for all it shows
	defer cancel()
	list, err := fx.api.List(ctx, fx.principal(fx.owner))
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, id, list[0].ID)
}

func TestWithoutTheDatabaseNothingStartsAndTheAnswerIs503(t *testing.T) {
	t.Parallel()
	away, err := store.Open("postgres://satchel@"+closedAddress(t)+"/satchel?sslmode=disable", 2)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, away.Close()) })
	fx := newFixture(t, withTemporal, func(_ *testing.T, d *api.Deps) { d.Store = away.AccountExports() })
	for _, route := range []struct{ method, path string }{
		{"POST", ""}, {"GET", ""}, {"GET", "/" + schema.NewExportID()}, {"DELETE", "/" + schema.NewExportID()},
		{"GET", "/" + schema.NewExportID() + "/archive"}, {"GET", "/" + schema.NewExportID() + "/events"},
	} {
		a := fx.send(fx.owner, route.method, exports+route.path)
		requireProblem(t, a, http.StatusServiceUnavailable, "database_unavailable")
		require.NotEmpty(t, a.header.Get("Retry-After"))
	}
	_, open, err := workflowclient.FindOpen(t.Context(), fx.temporal, fx.account)
	require.NoError(t, err)
	require.False(t, open)
}

func TestUnknownPathsAndMethodsAreProblemsToo(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	requireProblem(t, fx.send(fx.owner, http.MethodGet, "/v1/account/exports/"+schema.NewExportID()+"/secrets"), http.StatusNotFound, "not_found")
	requireProblem(t, fx.send(fx.owner, http.MethodGet, "/v1/account/nothing"), http.StatusNotFound, "not_found")
	requireProblem(t, fx.send(fx.owner, http.MethodGet, "/v2"), http.StatusNotFound, "not_found")
	a := fx.send(fx.owner, http.MethodPut, exports)
	requireProblem(t, a, http.StatusMethodNotAllowed, "method_not_allowed")
	require.ElementsMatch(t, []string{"OPTIONS", "GET", "HEAD", "POST"}, strings.Split(a.header.Get("Allow"), ", "))
	a = fx.send(fx.owner, http.MethodPost, exports+"/"+schema.NewExportID())
	requireProblem(t, a, http.StatusMethodNotAllowed, "method_not_allowed")
	require.ElementsMatch(t, []string{"OPTIONS", "GET", "HEAD", "DELETE"}, strings.Split(a.header.Get("Allow"), ", "))
}

func TestAnIncompleteBodyIsABadRequest(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(fx.url, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, fx.url+exports, nil)
	require.NoError(t, err)
	req.SetBasicAuth(fx.owner.name, fx.owner.secret)
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Length: 100\r\n\r\n{", exports, req.Header.Get("Authorization"))
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	res, err := http.ReadResponse(bufio.NewReader(conn), req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusBadRequest, res.StatusCode)
}

func TestABodyIsNothingOrASmallJSONObject(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	requireProblem(t, fx.send(fx.owner, http.MethodPost, exports, body(`[]`)), http.StatusBadRequest, "invalid_body")
	requireProblem(t, fx.send(fx.owner, http.MethodPost, exports, body(`{"categories":`)), http.StatusBadRequest, "invalid_body")
	requireProblem(t, fx.send(fx.owner, http.MethodPost, exports, body(`format=csv`)), http.StatusBadRequest, "invalid_body")
	requireProblem(t, fx.send(fx.owner, http.MethodPost, exports, body(`{"x":"`+strings.Repeat("x", 1<<20)+`"}`)), http.StatusRequestEntityTooLarge, "too_large")
	require.Empty(t, fx.list())
	id := fx.request(fx.owner, body("  {\"why\": \"moving\"}\n")).ID
	require.Equal(t, http.StatusAccepted, fx.send(fx.owner, http.MethodPost, exports+"/"+id+"/cancel", body(`{}`)).status)
}

// secret stands for a customer's data in the text of an error.
const secret = "Ada Lovelace, +44 20 7946 0000"

func TestInternalErrorsAreOnlyLogged(t *testing.T) { // not parallel: it listens to the process's log
	var log bytes.Buffer
	was := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(was) })

	fx := newFixture(t, func(_ *testing.T, d *api.Deps) {
		d.ArchiveSchema = func(context.Context) ([]byte, error) { return nil, errors.New(secret) }
	})
	a := fx.send(anonymous, http.MethodGet, "/schemas/account-export-1.0.json")
	p := requireProblem(t, a, http.StatusInternalServerError, "internal")
	require.NotContains(t, a.body, "Ada")
	require.NotEmpty(t, p.RequestID)
	require.Equal(t, a.header.Get("X-Request-Id"), p.RequestID)
	require.Contains(t, log.String(), secret)
	require.Contains(t, log.String(), "request_id="+p.RequestID)
	require.Contains(t, log.String(), "route=/schemas/account-export-1.0.json")
}

func TestTheSchemaIsGeneratedOnceAndAFailureIsNotRetriedAtOnce(t *testing.T) {
	t.Parallel()
	asked, away := 0, schema.Errorf(schema.Unavailable, schema.CodeDatabaseUnavailable, "The database is not available right now. Please try again.")
	away.RetryAfter = time.Second
	fx := newFixture(t, func(_ *testing.T, d *api.Deps) {
		d.ArchiveSchema = func(context.Context) ([]byte, error) { asked++; return nil, away }
	})
	for range 3 {
		requireProblem(t, fx.send(anonymous, http.MethodGet, "/schemas/account-export-1.0.json"), http.StatusServiceUnavailable, "database_unavailable")
	}
	require.Equal(t, 1, asked)

	made := 0
	fx = newFixture(t, func(_ *testing.T, d *api.Deps) {
		d.ArchiveSchema = func(context.Context) ([]byte, error) { made++; return []byte(`{}`), nil }
	})
	for range 3 {
		require.Equal(t, http.StatusOK, fx.send(anonymous, http.MethodGet, "/schemas/account-export-1.0.json").status)
	}
	require.Equal(t, 1, made)
}

// closedAddress is an address without a listener.
func closedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

// silentAddress accepts connections and answers nothing.
func silentAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
		}
	}()
	return l.Addr().String()
}

func temporalAt(t *testing.T, address string) client.Client {
	t.Helper()
	c, err := client.NewLazyClient(client.Options{HostPort: address, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}
