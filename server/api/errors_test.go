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

func TestWithoutTemporalNothingStartsAndTheAnswerIsToComeAgain(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{"nobody listens": deaf(t), "nobody answers": mute(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(t *testing.T, d *api.Deps) { d.Temporal = temporalAt(t, address) })
			id := schema.NewExportID()
			w.openRow(id)
			var all sync.WaitGroup
			for _, route := range []struct{ method, path string }{
				{"POST", ""}, {"POST", "/" + id + "/cancel"}, {"POST", "/" + id + "/confirmation"}, {"GET", "/" + schema.NewExportID()},
			} {
				all.Go(func() {
					a := w.send(w.owner, route.method, exports+route.path)
					refused(t, a, http.StatusServiceUnavailable, "temporal_unavailable")
					require.Equal(t, "8", a.header.Get("Retry-After"))
				})
			}
			all.Wait()
			require.Equal(t, schema.Pending, w.show(id).Status) // what is written can be read all the same
			a := w.send(w.owner, http.MethodGet, exports)
			require.Equal(t, http.StatusOK, a.status, a.body)
			list := decode[struct{ Exports []api.ExportView }](t, a.body).Exports
			require.Len(t, list, 1)
			require.Equal(t, id, list[0].ID)
			var actions []store.Action
			require.NoError(t, w.rows.Select(&actions, `select action from satchel.audit where subject = $1`, id))
			require.Equal(t, []store.Action{store.Requested}, actions) // no mail was counted
			rows, err := w.store.Exports(t.Context(), w.account, 10)
			require.NoError(t, err)
			require.Len(t, rows, 1)

			sum := strings.Repeat("ab", 32)
			require.NoError(t, w.store.ConfirmExport(t.Context(), id, w.owner.user, "recipient", []byte("wrapped")))
			_, err = w.store.Recipient(t.Context(), id)
			require.NoError(t, err)
			_, err = w.store.CompleteExport(t.Context(), id, schema.Archive{ObjectKey: "archive", Size: 100, SHA256: sum, GzipSize: 50, GzipSHA256: sum}, schema.DefaultWindows())
			require.NoError(t, err)
			refused(t, w.send(w.owner, http.MethodDelete, exports+"/"+id), http.StatusServiceUnavailable, "temporal_unavailable")
			require.Equal(t, schema.Completed, w.show(id).Status)
		})
	}
}

func TestAPageHasItsListInTimeWhileTemporalHangs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(t *testing.T, d *api.Deps) { d.Temporal = temporalAt(t, mute(t)) })
	id := schema.NewExportID()
	w.openRow(id)
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second) // as long as a page that is followed waits for all it shows
	defer cancel()
	list, err := w.api.List(ctx, w.principal(w.owner))
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, id, list[0].ID)
}

func TestWithoutTheDatabaseNothingStartsAndTheAnswerIsToComeAgain(t *testing.T) {
	t.Parallel()
	away, err := store.Open("postgres://satchel@"+deaf(t)+"/satchel?sslmode=disable", 2)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, away.Close()) })
	w := newWorld(t, withTemporal, func(_ *testing.T, d *api.Deps) { d.Store = away.AccountExports() })
	for _, route := range []struct{ method, path string }{
		{"POST", ""}, {"GET", ""}, {"GET", "/" + schema.NewExportID()}, {"DELETE", "/" + schema.NewExportID()},
		{"GET", "/" + schema.NewExportID() + "/archive"}, {"GET", "/" + schema.NewExportID() + "/events"},
	} {
		a := w.send(w.owner, route.method, exports+route.path)
		refused(t, a, http.StatusServiceUnavailable, "database_unavailable")
		require.NotEmpty(t, a.header.Get("Retry-After"))
	}
	_, open, err := workflowclient.FindOpen(t.Context(), w.temporal, w.account)
	require.NoError(t, err)
	require.False(t, open)
}

func TestUnknownPathsAndMethodsAreProblemsToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refused(t, w.send(w.owner, http.MethodGet, "/v1/account/exports/"+schema.NewExportID()+"/secrets"), http.StatusNotFound, "not_found")
	refused(t, w.send(w.owner, http.MethodGet, "/v2"), http.StatusNotFound, "not_found")
	a := w.send(w.owner, http.MethodPut, exports)
	refused(t, a, http.StatusMethodNotAllowed, "method_not_allowed")
	require.ElementsMatch(t, []string{"OPTIONS", "GET", "HEAD", "POST"}, strings.Split(a.header.Get("Allow"), ", "))
	a = w.send(w.owner, http.MethodPost, exports+"/"+schema.NewExportID())
	refused(t, a, http.StatusMethodNotAllowed, "method_not_allowed")
	require.ElementsMatch(t, []string{"OPTIONS", "GET", "HEAD", "DELETE"}, strings.Split(a.header.Get("Allow"), ", "))
}

func TestABodyOfWhichTheRestNeverComesIsNoTroubleOfOurs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+exports, nil)
	require.NoError(t, err)
	req.SetBasicAuth(w.owner.name, w.owner.secret)
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
	w := newWorld(t, withTemporal)
	refused(t, w.send(w.owner, http.MethodPost, exports, body(`[]`)), http.StatusBadRequest, "invalid_body")
	refused(t, w.send(w.owner, http.MethodPost, exports, body(`{"categories":`)), http.StatusBadRequest, "invalid_body")
	refused(t, w.send(w.owner, http.MethodPost, exports, body(`format=csv`)), http.StatusBadRequest, "invalid_body")
	refused(t, w.send(w.owner, http.MethodPost, exports, body(`{"x":"`+strings.Repeat("x", 1<<20)+`"}`)), http.StatusRequestEntityTooLarge, "too_large")
	require.Empty(t, w.list())
	id := w.request(w.owner, body("  {\"why\": \"moving\"}\n")).ID
	require.Equal(t, http.StatusAccepted, w.send(w.owner, http.MethodPost, exports+"/"+id+"/cancel", body(`{}`)).status)
}

// secret stands for a customer's data in an error of some part.
const secret = "Ada Lovelace, +44 20 7946 0000"

func TestWhatWentWrongIsToldInTheLogAlone(t *testing.T) { // not parallel: it listens to the process's log
	var heard bytes.Buffer
	was := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&heard, nil)))
	t.Cleanup(func() { slog.SetDefault(was) })

	w := newWorld(t, func(_ *testing.T, d *api.Deps) {
		d.ArchiveSchema = func(context.Context) ([]byte, error) { return nil, errors.New(secret) }
	})
	a := w.send(caller{}, http.MethodGet, "/schemas/account-export-1.0.json")
	p := refused(t, a, http.StatusInternalServerError, "internal")
	require.NotContains(t, a.body, "Ada")
	require.NotEmpty(t, p.RequestID)
	require.Equal(t, a.header.Get("X-Request-Id"), p.RequestID)
	require.Contains(t, heard.String(), secret)
	require.Contains(t, heard.String(), "request_id="+p.RequestID)
	require.Contains(t, heard.String(), "route=/schemas/account-export-1.0.json")
}

func TestTheSchemaIsMadeOnceAndAFailureIsNotAskedForAgainAtOnce(t *testing.T) {
	t.Parallel()
	asked, away := 0, schema.Errorf(schema.Unavailable, "database_unavailable", "The database is not available right now. Please try again.")
	away.RetryAfter = time.Second
	w := newWorld(t, func(_ *testing.T, d *api.Deps) {
		d.ArchiveSchema = func(context.Context) ([]byte, error) { asked++; return nil, away }
	})
	for range 3 {
		refused(t, w.send(caller{}, http.MethodGet, "/schemas/account-export-1.0.json"), http.StatusServiceUnavailable, "database_unavailable")
	}
	require.Equal(t, 1, asked)

	made := 0
	w = newWorld(t, func(_ *testing.T, d *api.Deps) {
		d.ArchiveSchema = func(context.Context) ([]byte, error) { made++; return []byte(`{}`), nil }
	})
	for range 3 {
		require.Equal(t, http.StatusOK, w.send(caller{}, http.MethodGet, "/schemas/account-export-1.0.json").status)
	}
	require.Equal(t, 1, made)
}

// deaf is an address where nobody listens.
func deaf(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

// mute is an address where calls are taken and nothing is said.
func mute(t *testing.T) string {
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
