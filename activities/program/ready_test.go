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

func notConnected(context.Context) error {
	return &schema.Error{Kind: schema.Unavailable, Message: "not connected yet"}
}

// checks makes a check for each part.
func checks(parts map[string]func(context.Context) error) (list []Check) {
	for part, run := range parts {
		list = append(list, Check{Part: part, Subject: "It", Settings: []string{"SETTING"}, Run: run})
	}
	return list
}

// get asks r and returns the status and the decoded body.
func get(t *testing.T, r *Readiness) (status int, body struct {
	Status         string
	Parts, Reasons map[string]string
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
	storageError, temporal := errors.New("secret text"), notConnected
	r := NewReadiness(slog.New(slog.NewTextHandler(&log, nil)), checks(map[string]func(context.Context) error{
		PartDatabase: fine, PartStorage: func(context.Context) error { return storageError }, PartTemporal: func(ctx context.Context) error { return temporal(ctx) },
	}))
	status, body, header := get(t, r)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, "not ready", body.Status)
	require.Equal(t, "1", header.Get("Retry-After"))
	require.Equal(t, map[string]string{"database": "ok", "storage": "wrong", "temporal": "away"}, body.Parts)
	require.Equal(t, map[string]string{
		"storage": "It does not work as it must; the log has the reason. Look at SETTING.", "temporal": "It does not answer. Look at SETTING.",
	}, body.Reasons)
	require.Contains(t, log.String(), "secret text", "the error is for the log")
	require.Contains(t, log.String(), "SETTING")

	storageError, temporal = nil, fine
	r.checked = r.checked.Add(-checkInterval)
	status, body, header = get(t, r)
	require.Equal(t, http.StatusOK, status)
	require.Empty(t, body.Reasons)
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
	r := NewReadiness(slog.New(slog.DiscardHandler), checks(map[string]func(context.Context) error{PartDatabase: hangs, PartStorage: fine, PartTemporal: away}))
	r.timeout = 20 * time.Millisecond
	status, body, _ := get(t, r)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, map[string]string{"database": "away", "storage": "ok", "temporal": "away"}, body.Parts)
}

func TestReadinessChecksAtMostOnceASecond(t *testing.T) {
	t.Parallel()
	var runs atomic.Int32
	r := NewReadiness(slog.New(slog.DiscardHandler), checks(map[string]func(context.Context) error{PartDatabase: func(context.Context) error { runs.Add(1); return nil }}))
	for range 20 {
		get(t, r)
	}
	require.EqualValues(t, 1, runs.Load())
	r.checked = r.checked.Add(-checkInterval)
	get(t, r)
	require.EqualValues(t, 2, runs.Load())
}

func TestACheckThatCostsMuchIsRunSeldomAndSoonerWhileItFails(t *testing.T) {
	t.Parallel()
	var runs atomic.Int32
	var found error
	r := NewReadiness(slog.New(slog.DiscardHandler), []Check{
		{Part: PartDatabase, Run: fine},
		{Part: PartStorage, Settings: []string{"SETTING"}, Every: time.Minute, Run: func(context.Context) error { runs.Add(1); return found }},
	})
	after := func(pause time.Duration) Part {
		r.checked, r.checks[1].at = r.checked.Add(-pause), r.checks[1].at.Add(-pause)
		return r.Parts(t.Context())[PartStorage]
	}
	require.Equal(t, StateOK, after(0).State)
	after(30 * time.Second)
	require.EqualValues(t, 1, runs.Load())
	found = &schema.SetupError{Message: "SETTING is wrong."}
	require.Equal(t, Part{StateWrong, "SETTING is wrong."}, after(time.Minute))
	found = nil
	require.Equal(t, Part{StateOK, ""}, after(recheckInterval))
	require.EqualValues(t, 3, runs.Load())
}

func TestAWorkerStartsWhileStorageIsAwayButNotWithAnotherKey(t *testing.T) {
	t.Parallel()
	var found atomic.Pointer[error]
	set := func(err error) { found.Store(&err) }
	set(&schema.SetupError{Message: "another key"})
	r := NewReadiness(slog.New(slog.DiscardHandler), []Check{
		{Part: PartDatabase, Start: StartOK, Run: fine}, {Part: PartStorage, Run: away},
		{Part: PartStorage, Start: StartNotWrong, Run: func(context.Context) error { return *found.Load() }},
	})
	started := make(chan error, 1)
	go func() { started <- r.AwaitStart(t.Context()) }()
	for _, problem := range []error{*found.Load(), errNotCompared} {
		set(problem)
		r.Parts(t.Context())
		require.Empty(t, started)
	}
	set(away(t.Context()))
	require.NoError(t, <-started)
}

func TestAClientThatLeavesDoesNotSpoilTheChecksForOthers(t *testing.T) {
	t.Parallel()
	r := NewReadiness(slog.New(slog.DiscardHandler), checks(map[string]func(context.Context) error{PartDatabase: func(ctx context.Context) error { return ctx.Err() }}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, map[string]Part{"database": {State: StateOK}}, r.Parts(ctx))
}

func TestHealthSaysThatTheProcessIsUp(t *testing.T) {
	t.Parallel()
	recorder := httptest.NewRecorder()
	Alive(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/healthz", nil))
	require.Equal(t, http.StatusOK, recorder.Code)
	require.JSONEq(t, `{"status":"ok"}`, recorder.Body.String())
}

type refused struct{ error }

func (refused) Refusal() string { return "S3 denies this program to store objects: look at S3_BUCKET." }

func TestReadinessSaysWhatAnOperatorHasToChange(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	r := NewReadiness(slog.New(slog.NewTextHandler(&log, nil)), checks(map[string]func(context.Context) error{
		PartDatabase: fine, PartStorage: func(context.Context) error { return refused{errors.New("secret text")} },
	}))
	recorder := httptest.NewRecorder()
	r.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
	require.Equal(t, http.StatusServiceUnavailable, recorder.Code)
	require.JSONEq(t, `{"status":"not ready","parts":{"database":"ok","storage":"wrong"},
		"reasons":{"storage":"S3 denies this program to store objects: look at S3_BUCKET."}}`, recorder.Body.String())
}
