package program

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func fine(context.Context) error { return nil }

func away(context.Context) error { return &schema.Error{Kind: schema.Unavailable, Message: "x"} }

// get asks r and returns the status and the decoded body.
func get(t *testing.T, r *Readiness) (status int, body struct {
	Status string
	Parts  map[string]string
}, header http.Header) {
	t.Helper()
	recorder := httptest.NewRecorder()
	r.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
	require.Equal(t, "application/json", recorder.Header().Get("Content-Type"))
	require.NoError(t, json.Unmarshal(recorder.Body.Bytes(), &body))
	return recorder.Code, body, recorder.Header()
}

func TestReadinessNamesTheStateOfEachDependency(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	r := NewReadiness(slog.New(slog.NewTextHandler(&log, nil)), map[string]Check{
		CheckDatabase: fine, CheckStorage: func(context.Context) error { return errors.New("secret text") }, CheckTemporal: NotConnected,
	})
	status, body, header := get(t, r)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, "not ready", body.Status)
	require.Equal(t, "1", header.Get("Retry-After"))
	require.Equal(t, map[string]string{"database": "ok", "storage": "wrong", "temporal": "away"}, body.Parts)
	require.Contains(t, log.String(), "secret text", "the error is for the log")

	r.Set(CheckStorage, fine)
	r.Set(CheckTemporal, fine)
	status, body, header = get(t, r)
	require.Equal(t, http.StatusOK, status, "a check that was replaced is run at once")
	require.Equal(t, "ready", body.Status)
	require.Empty(t, header.Get("Retry-After"))
	require.Equal(t, map[string]string{"database": "ok", "storage": "ok", "temporal": "ok"}, body.Parts)

	r.Stop()
	status, body, _ = get(t, r)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, "stopping", body.Status)
}

func TestReadinessDoesNotWaitForACheckThatHangs(t *testing.T) {
	t.Parallel()
	hangs := func(context.Context) error { <-t.Context().Done(); return nil } // whatever its context says
	r := NewReadiness(slog.New(slog.DiscardHandler), map[string]Check{CheckDatabase: hangs, CheckStorage: fine, CheckTemporal: away})
	r.timeout = 20 * time.Millisecond
	status, body, _ := get(t, r)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, map[string]string{"database": "away", "storage": "ok", "temporal": "away"}, body.Parts)
}

func TestReadinessChecksAtMostOnceASecond(t *testing.T) {
	t.Parallel()
	var checks atomic.Int32
	r := NewReadiness(slog.New(slog.DiscardHandler), map[string]Check{CheckDatabase: func(context.Context) error { checks.Add(1); return nil }})
	for range 20 {
		get(t, r)
	}
	require.EqualValues(t, 1, checks.Load())
	r.checked = r.checked.Add(-checkInterval)
	get(t, r)
	require.EqualValues(t, 2, checks.Load())
}

func TestAClientThatLeavesDoesNotSpoilTheChecksForOthers(t *testing.T) {
	t.Parallel()
	r := NewReadiness(slog.New(slog.DiscardHandler), map[string]Check{CheckDatabase: func(ctx context.Context) error { return ctx.Err() }})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, map[string]string{"database": "ok"}, r.States(ctx))
}

func TestHealthSaysThatTheProcessIsUp(t *testing.T) {
	t.Parallel()
	recorder := httptest.NewRecorder()
	Alive(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/healthz", nil))
	require.Equal(t, http.StatusOK, recorder.Code)
	require.JSONEq(t, `{"status":"ok"}`, recorder.Body.String())
}
