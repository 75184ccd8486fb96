package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"satchel/activities/accountexport"
	"satchel/activities/bulkexport"
	"satchel/activities/mail"
	"satchel/activities/program"
	"satchel/activities/vault"
	"satchel/dev/demo"
	"satchel/dev/services"
	"satchel/schema"
	"satchel/workflows"
	exportworkflows "satchel/workflows/accountexport"
	bulkworkflows "satchel/workflows/bulkexport"
	workflowclient "satchel/workflows/client"
)

// endlessSource is a source whose rows never end.
type endlessSource struct {
	accountexport.Source
	reading chan schema.Category
}

func (e endlessSource) ReadCategory(ctx context.Context, c schema.Category, _, _ string, _ func(time.Time, schema.RecordReader) error) error {
	e.reading <- c
	<-ctx.Done()
	return ctx.Err()
}

// steps is how many short steps a worker takes at once.
const steps = 4

// work runs the activities on a worker until the test ends, with so many concurrent
// streams.
func (r *fixture) work(c client.Client, streams int) {
	ctx, stop := context.WithCancel(r.t.Context())
	ended := make(chan error, 1)
	r.exports.Runs, r.bulk.Runs = runsAdapter{c}, runsAdapter{c}
	command := runCommand{Concurrency: streams, DaysAtOnce: 1, StepsAtOnce: steps, EmailsAtOnce: steps, RemovalsAtOnce: steps, ErasuresAtOnce: 1, HooksAtOnce: 2 * steps, StopGrace: 5 * time.Second, SweepEvery: time.Hour, SweepGrace: time.Hour}
	go func() {
		ended <- command.work(ctx, c, newMetrics(), slog.New(slog.DiscardHandler), r.store.DB, r.activitySet)
	}()
	r.t.Cleanup(func() {
		stop()
		require.NoError(r.t, <-ended)
	})
}

func TestNothingWaitsBehindAccountsThatTakeLong(t *testing.T) {
	s := newStubFixture(t)
	r := newFixture(t)
	source := endlessSource{r.exports.Source, make(chan schema.Category, 100)}
	r.exports.Source = source
	r.work(s.Client, 1)
	request := func(account demo.Account) exportworkflows.AccountExportInput {
		in := exportworkflows.AccountExportInput{ID: schema.NewExportID(), Account: account.AccountSID, RequestedBy: account.As(schema.Owner).ID,
			RequestedAt: time.Now().UTC(), Windows: schema.DefaultWindows()}
		_, err := workflowclient.StartAccountExport(t.Context(), s, in)
		require.NoError(t, err)
		return in
	}
	long := request(r.account)
	s.signal(long, exportworkflows.Confirmed)
	<-source.reading

	other, err := demo.NewAccount(t.Context(), r.url, demo.With{})
	require.NoError(t, err)
	next := request(other)
	require.Eventually(t, func() bool {
		for _, m := range r.inbox.Messages() {
			if m.To[0] == other.As(schema.Owner).Email {
				return true
			}
		}
		return false
	}, 10*time.Second, 20*time.Millisecond, "its confirmation mail")
	for _, in := range []exportworkflows.AccountExportInput{next, long} {
		s.signal(in, exportworkflows.Cancelled)
		require.Eventually(t, func() bool {
			e, err := r.store.Export(t.Context(), in.ID)
			return err == nil && e.Status == schema.Cancelled
		}, 20*time.Second, 20*time.Millisecond)
	}
}

// slowReceiver delivers webhooks to a receiver that does not answer before it is released.
type slowReceiver struct {
	called  chan string
	release chan struct{}
}

func (h slowReceiver) Deliver(_ context.Context, to schema.Hook, _ string, _ []byte, _ url.Values) (schema.EventAttempt, error) {
	h.called <- to.URL
	<-h.release
	return schema.EventAttempt{Outcome: string(schema.EventDelivered)}, nil
}

// signingSource is a platform that shows an account's auth token.
type signingSource struct {
	bulkexport.Source
	sealed []byte
}

func (s signingSource) SigningKey(context.Context, string) ([]byte, error) { return s.sealed, nil }

func TestNothingWaitsBehindReceiversThatTakeLong(t *testing.T) {
	s := newStubFixture(t)
	r := newFixture(t)
	slow := slowReceiver{make(chan string, 100), make(chan struct{})}
	r.bulk.Hooks = slow
	sealed, err := r.vault.Seal(t.Context(), []byte("token"), r.account.AccountSID, schema.SealedToken)
	require.NoError(t, err)
	r.bulk.Source = signingSource{r.bulk.Source, sealed}
	r.work(s.Client, 1)
	t.Cleanup(func() { close(slow.release) })
	for range steps + 1 { // one more than there are slots for short activities
		e := schema.Event{ID: uuid.NewString(), Account: r.account.AccountSID, Type: schema.Calls, Hook: schema.Hook{URL: "https://slow.example.com", Method: "POST"}}
		require.NoError(t, r.store.OpenEvent(t.Context(), e))
		require.NoError(t, workflowclient.ResendWebhook(t.Context(), s, e))
	}
	for range steps + 1 {
		select {
		case <-slow.called:
		case <-time.After(20 * time.Second):
			require.Fail(t, "a webhook waits behind the others")
		}
	}
	require.NoError(t, workflowclient.RemoveDayFile(t.Context(), s, bulkworkflows.DayFileRemovalInput{
		File: schema.NewDayFileID(), Account: r.account.AccountSID, Type: schema.Calls, Day: "2026-03-01", ExpiresAt: time.Now(), By: "US-by",
	}))
}

func TestAnOperatorsPauseOutlivesARestart(t *testing.T) {
	s := newStubFixture(t)
	handle := s.ScheduleClient().GetHandle(t.Context(), workflows.AccountExportSweepID)
	t.Cleanup(func() {
		for _, id := range []string{workflows.AccountExportSweepID, workflows.AccountExportStorageSweepID, workflows.BulkExportSweepID, workflows.BulkExportStorageSweepID} {
			require.NoError(t, s.ScheduleClient().GetHandle(t.Context(), id).Delete(context.WithoutCancel(t.Context())))
		}
	})
	schedule := func(every time.Duration) {
		require.NoError(t, workflowclient.ScheduleSweeps(t.Context(), s, every, exportworkflows.SweepInput{Grace: time.Hour}, bulkworkflows.SweepInput{Grace: time.Hour}))
	}
	var found *client.ScheduleDescription
	becomes := func(so func(*client.Schedule) bool) {
		t.Helper()
		require.Eventually(t, func() (is bool) {
			var err error
			found, err = handle.Describe(t.Context())
			return err == nil && so(&found.Schedule)
		}, 10*time.Second, 10*time.Millisecond)
	}
	schedule(3 * time.Hour)
	becomes(func(s *client.Schedule) bool { return s.Spec.Intervals[0].Every == 3*time.Hour })
	require.NoError(t, handle.Pause(t.Context(), client.SchedulePauseOptions{Note: "looking"}))
	becomes(func(s *client.Schedule) bool { return s.State.Paused })
	updated := found.Info.LastUpdateAt

	schedule(3 * time.Hour)
	becomes(func(s *client.Schedule) bool { return s.State.Paused })
	require.Equal(t, updated, found.Info.LastUpdateAt, "nothing was to be changed")
	schedule(2 * time.Hour)
	becomes(func(s *client.Schedule) bool { return s.Spec.Intervals[0].Every == 2*time.Hour && s.State.Paused })
	require.NotEqual(t, updated, found.Info.LastUpdateAt)
}

func TestMissedDailyExportsAreCaughtUpAndDelayNoOtherAlsoByAnOlderSchedule(t *testing.T) {
	s := newStubFixture(t)
	in := bulkworkflows.BulkDailyInput{Account: schema.NewAccountID(), Type: schema.Calls}
	id := workflows.BulkDailyID(in.Account, in.Type)
	handle := s.ScheduleClient().GetHandle(t.Context(), id)
	t.Cleanup(func() { require.NoError(t, handle.Delete(context.WithoutCancel(t.Context()))) })
	policy := func(overlap enumspb.ScheduleOverlapPolicy, window time.Duration) func() bool {
		return func() bool {
			found, err := handle.Describe(t.Context())
			return err == nil && found.Schedule.Policy.Overlap == overlap && found.Schedule.Policy.CatchupWindow == window
		}
	}
	require.NoError(t, workflowclient.ScheduleDaily(t.Context(), s, in, time.Minute))
	kept := policy(enumspb.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL, 7*24*time.Hour)
	require.Eventually(t, kept, 10*time.Second, 10*time.Millisecond)

	require.NoError(t, handle.Update(t.Context(), client.ScheduleUpdateOptions{DoUpdate: func(found client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
		schedule := found.Description.Schedule
		schedule.Policy = &client.SchedulePolicies{Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: time.Hour}
		return &client.ScheduleUpdate{Schedule: &schedule}, nil
	}}))
	require.Eventually(t, policy(enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, time.Hour), 10*time.Second, 10*time.Millisecond)
	require.NoError(t, workflowclient.ScheduleDaily(t.Context(), s, in, time.Minute))
	require.Eventually(t, kept, 10*time.Second, 10*time.Millisecond)
}

func TestSettingsOfOneMachineStartNothingElsewhere(t *testing.T) {
	key := "8f1b2c3d4e5f60718293a4b5c6d7e8f9a8b7c6d5e4f30211fedcba9876543210"
	for sentence, r := range map[string]runCommand{
		"openssl rand -hex 32":   {Links: program.Links{LinkKey: strings.Repeat("ab", 32), PublicBaseURL: "https://export.example.com"}},
		"must begin with https:": {Links: program.Links{LinkKey: key, PublicBaseURL: "http://export.example.com"}},
	} {
		require.ErrorContains(t, r.Run(t.Context(), slog.New(slog.DiscardHandler)), sentence)
	}
}

func TestInvalidSettingsAreNamed(t *testing.T) {
	fine := runCommand{Concurrency: 1, DaysAtOnce: 1, StepsAtOnce: 1, EmailsAtOnce: 1, RemovalsAtOnce: 1, ErasuresAtOnce: 1, HooksAtOnce: 1, HooksPerAccount: 1, Bulk: program.Bulk{DayRetention: time.Hour, DayRetryWindow: time.Hour}, SweepEvery: time.Minute, SweepGrace: time.Minute,
		MaxRecordBytes: 1 << 20, SourceStallLimit: time.Minute, history: history{HistoryRetention: schema.MinHistoryRetention, AuditRetention: schema.MinAuditRetention}}
	require.NoError(t, fine.Validate())
	for name, spoil := range map[string]func(*runCommand){
		"CONCURRENCY":        func(r *runCommand) { r.Concurrency = 0 },
		"DAYS_AT_ONCE":       func(r *runCommand) { r.DaysAtOnce = 0 },
		"HOOKS_AT_ONCE":      func(r *runCommand) { r.HooksAtOnce = -1 },
		"STEPS_AT_ONCE":      func(r *runCommand) { r.StepsAtOnce = 0 },
		"EMAILS_AT_ONCE":     func(r *runCommand) { r.EmailsAtOnce = 0 },
		"REMOVALS_AT_ONCE":   func(r *runCommand) { r.RemovalsAtOnce = 0 },
		"ERASURES_AT_ONCE":   func(r *runCommand) { r.ErasuresAtOnce = 0 },
		"MAX_RECORD_BYTES":   func(r *runCommand) { r.MaxRecordBytes = 0 },
		"MAX_RECORD_BYTES ":  func(r *runCommand) { r.MaxRecordBytes = 1 << 30 },
		"SOURCE_STALL_LIMIT": func(r *runCommand) { r.SourceStallLimit = time.Second },
		"DAILY_DELAY":        func(r *runCommand) { r.DailyDelay = 24 * time.Hour },
		"DAILY_DELAY ":       func(r *runCommand) { r.DailyDelay = -time.Second },
		"DAY_GRACE":          func(r *runCommand) { r.DayGrace = 24 * time.Hour },
		"DAY_GRACE ":         func(r *runCommand) { r.DayGrace = -time.Second },
		"DAY_RETENTION":      func(r *runCommand) { r.DayRetention = 0 },
		"DAY_RETRY_WINDOW":   func(r *runCommand) { r.DayRetryWindow = 0 },
		"STOP_GRACE":         func(r *runCommand) { r.StopGrace = -1 },
		"SWEEP_EVERY":        func(r *runCommand) { r.SweepEvery = 0 },
		"SWEEP_GRACE":        func(r *runCommand) { r.SweepGrace = -time.Minute },
		"HISTORY_RETENTION":  func(r *runCommand) { r.HistoryRetention = time.Hour },
		"AUDIT_RETENTION":    func(r *runCommand) { r.AuditRetention = schema.MinAuditRetention - 1 },
	} {
		r := fine
		spoil(&r)
		require.ErrorContains(t, r.Validate(), name)
	}
}

func TestTheWorkerStartsWhileEverythingIsAwayAndSaysSo(t *testing.T) {
	unreachable := "127.0.0.1:1"
	t.Setenv("TEMPORAL_ADDRESS", unreachable)
	t.Setenv("AWS_ACCESS_KEY_ID", "x")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "x")
	keyset := filepath.Join(t.TempDir(), "keyset.json")
	require.NoError(t, vault.WriteDevelopmentKeyset(keyset))
	port, err := services.FreePort()
	require.NoError(t, err)
	command := runCommand{
		Data: program.Data{
			Database: program.Database{DatabaseURL: "postgres://satchel:secret@" + unreachable + "/satchel?sslmode=disable"},
			Vault:    vault.Config{Bucket: "satchel", Endpoint: "http://" + unreachable, KeysetFile: keyset},
		},
		Links: program.Links{LinkKey: schema.NewDevelopmentLinkKey(), PublicBaseURL: "http://localhost:8080"}, Dev: true, Concurrency: 1, StepsAtOnce: 1, ErasuresAtOnce: 1,
		Mail:           mail.Config{APIKey: "re_test", BaseURL: "http://" + unreachable, From: "exports@example.com"},
		MetricsAddress: services.Loopback(port),
	}
	ctx, stop := context.WithCancel(t.Context())
	var logs bytes.Buffer
	ended := make(chan error, 1)
	go func() { ended <- command.Run(ctx, slog.New(slog.NewJSONHandler(&logs, nil))) }()
	var states struct {
		Status string
		Parts  map[string]string
	}
	require.Eventually(t, func() bool {
		answer, err := http.Get("http://" + command.MetricsAddress + "/readyz")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		require.Equal(t, http.StatusServiceUnavailable, answer.StatusCode)
		return json.NewDecoder(answer.Body).Decode(&states) == nil
	}, 20*time.Second, 50*time.Millisecond)
	require.Equal(t, "not ready", states.Status)
	require.Equal(t, map[string]string{"database": "away", "sourceDatabase": "away", "storage": "away", "temporal": "away", "mail": "ok"}, states.Parts)
	stop()
	require.ErrorIs(t, <-ended, context.Canceled)
	require.NotContains(t, logs.String(), "secret")
}
