package bulk_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	twilio "github.com/twilio/twilio-go/rest/bulkexports/v1"
	"go.temporal.io/sdk/client"

	"satchel/schema"
	"satchel/server/bulk"
	"satchel/server/limit"
	"satchel/workflows"
	"satchel/workflows/bulkexport"
	workflowclient "satchel/workflows/client"
)

const configurationPath = "/v1/Exports/Calls/Configuration"

func TestConfigurationChangesOnlyFieldsThatAreSent(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.startWorkers()
	read := func(a response) bulk.ConfigurationView {
		require.Equal(t, http.StatusOK, a.status, a.body)
		require.Len(t, decode[map[string]any](t, a.body), 5)
		decode[twilio.BulkexportsV1ExportConfiguration](t, a.body)
		return decode[bulk.ConfigurationView](t, a.body)
	}
	want := bulk.ConfigurationView{URL: site + configurationPath, ResourceType: schema.Calls}
	require.Equal(t, want, read(fx.send(fx.program, http.MethodGet, configurationPath, nil)))
	require.Equal(t, want, read(fx.send(fx.program, http.MethodPost, configurationPath, url.Values{})), "nothing sent, nothing changed")

	want.Enabled = true
	require.Equal(t, want, read(fx.send(fx.program, http.MethodPost, configurationPath, url.Values{"Enabled": {"True"}})))
	require.True(t, fx.platform.scheduled(fx.program.account, schema.Calls))
	want.WebhookURL, want.WebhookMethod = "https://hooks.example.com/bulk", "GET"
	require.Equal(t, want, read(fx.send(fx.program, http.MethodPost, configurationPath, url.Values{"WebhookUrl": {want.WebhookURL}, "WebhookMethod": {"get"}})))
	want.WebhookMethod = "POST"
	require.Equal(t, want, read(fx.send(fx.program, http.MethodPost, configurationPath, url.Values{"WebhookMethod": {"POST"}})))
	for name, form := range map[string]url.Values{
		"Enabled":       {"Enabled": {"yes"}},
		"WebhookUrl":    {"WebhookUrl": {"ftp://x"}, "Enabled": {"false"}},
		"WebhookMethod": {"WebhookMethod": {"PATCH"}},
		"both, or":      {"WebhookUrl": {""}},
	} {
		requireError(t, fx.send(fx.program, http.MethodPost, configurationPath, form), 400, 20001, name)
	}
	require.Equal(t, want, read(fx.send(fx.program, http.MethodGet, configurationPath, nil)))
	unchanged := bulk.ConfigurationView{URL: want.URL, ResourceType: schema.Calls}
	require.Equal(t, unchanged, read(fx.send(fx.other, http.MethodGet, configurationPath, nil)), "another account's stays as it was")
	want = bulk.ConfigurationView{URL: want.URL, ResourceType: schema.Calls}
	require.Equal(t, want, read(fx.send(fx.program, http.MethodPost, configurationPath, url.Values{"WebhookUrl": {""}, "WebhookMethod": {""}, "Enabled": {"FALSE"}})))
	require.False(t, fx.platform.scheduled(fx.program.account, schema.Calls))

	all, err := fx.bulk.Configurations(t.Context(), fx.principal(fx.program))
	require.NoError(t, err)
	require.Len(t, all, 4)
}

func TestConfigurationIsA503WhileTemporalIsUnavailable(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withoutTemporal(t))
	a := fx.send(fx.program, http.MethodPost, configurationPath, url.Values{"Enabled": {"true"}})
	requireError(t, a, 503, 20503)
	require.NotEmpty(t, a.header.Get("Retry-After"))
	require.Contains(t, fx.send(fx.program, http.MethodGet, configurationPath, nil).body, `"enabled":false`)
}

func TestCallIsErasedUnderItsDayAndAgain(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.startWorkers()
	call, gone := "CA"+strings.Repeat("ab", 16), "CA"+strings.Repeat("CD", 16)
	fx.platform.setRecords(fx.program.account, schema.Calls, "2026-03-01", call, gone)
	archive := func(day, call string) string { return "/v1/Archives/" + day + "/Calls/" + call }
	for path, code := range map[string]int{
		archive("2026-3-1", call):                            400,
		archive("x", call):                                   400,
		archive("2026-03-01", "CA1"):                         400,
		archive("2026-03-01", "SM"+call[2:]):                 400,
		archive("2026-03-01", "CA"+strings.Repeat("00", 16)): 404,
		archive("2026-03-02", call):                          404,
		archive("2026-02-28", gone):                          404,
	} {
		a := fx.send(fx.program, http.MethodDelete, path, nil)
		require.Equal(t, code, a.status, "%s: %s", path, a.body)
	}
	requireError(t, fx.send(fx.program, http.MethodDelete, archive("2026-03-02", call), nil), 404, 20404, "another")
	requireError(t, fx.send(fx.other, http.MethodDelete, archive("2026-03-01", call), nil), 404, 20404)
	for range 2 {
		a := fx.send(fx.program, http.MethodDelete, archive("2026-03-01", gone), nil)
		require.Equal(t, http.StatusNoContent, a.status, a.body)
		require.Empty(t, a.body)
		fx.platform.setRecords(fx.program.account, schema.Calls, "2026-03-01", call) // the platform's own copy is deleted
	}
	requireError(t, fx.send(fx.program, http.MethodDelete, archive("2026-03-02", gone), nil), 404, 20404, "another")
	erased, err := fx.store.ErasedCalls(t.Context(), fx.program.account, "2026-03-01")
	require.NoError(t, err)
	require.Equal(t, []string{gone}, erased)
}

func TestACallThatThePlatformHasDeletedIsErasedFromTheFileThatHoldsIt(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.startWorkers()
	held, unknown := "CA"+strings.Repeat("ab", 16), "CA"+strings.Repeat("00", 16)
	f, _ := fx.createDayFile(fx.program, schema.Calls, "2026-03-01", `{"sid":"`+held+`","status":"completed"}`+"\n")
	archive := func(day, call string) string { return "/v1/Archives/" + day + "/Calls/" + call }
	requireError(t, fx.send(fx.program, http.MethodDelete, archive("2026-03-01", unknown), nil), 404, 20404)
	requireError(t, fx.send(fx.program, http.MethodDelete, archive("2026-03-02", held), nil), 404, 20404)
	requireError(t, fx.send(fx.other, http.MethodDelete, archive("2026-03-01", held), nil), 404, 20404)
	a := fx.send(fx.program, http.MethodDelete, archive("2026-03-01", held), nil)
	require.Equal(t, http.StatusNoContent, a.status, a.body)
	require.Eventually(t, func() bool {
		now, err := fx.store.DayFile(t.Context(), fx.program.account, schema.Calls, "2026-03-01")
		return err == nil && now.ID != f.ID && now.Records == 0
	}, time.Minute, 50*time.Millisecond, "it is rebuilt without the call")
}

// temporalThatWaits says that a run was to be started, and waits.
type temporalThatWaits struct {
	client.Client
	asked, answer chan struct{}
}

func (c temporalThatWaits) ExecuteWorkflow(context.Context, client.StartWorkflowOptions, any, ...any) (client.WorkflowRun, error) {
	c.asked <- struct{}{}
	<-c.answer
	return nil, errors.New("away")
}

func TestErasuresOfAnAccountAndItsSubaccountsAreBoundedAndOthersGoOn(t *testing.T) {
	t.Parallel()
	waiting := temporalThatWaits{asked: make(chan struct{}), answer: make(chan struct{})}
	fx := newFixture(t, func(o *bulk.Options) { o.Temporal = waiting })
	erase := func(as credentials, n int) response {
		call := fmt.Sprintf("CA%032x", n)
		fx.platform.setRecords(as.account, schema.Calls, "2026-03-01", call)
		return fx.send(as, http.MethodDelete, "/v1/Archives/2026-03-01/Calls/"+call, nil)
	}
	var erasing sync.WaitGroup
	for n := range 64 {
		erasing.Go(func() { erase([]credentials{fx.parent, fx.program}[n%2], n%2) })
		<-waiting.asked
	}
	before := limit.Met(limit.Erasures)
	refused := erase(fx.program, 1)
	requireError(t, refused, http.StatusTooManyRequests, 20429, "one after the other")
	require.Equal(t, "2", refused.header.Get("Retry-After"))
	require.Greater(t, limit.Met(limit.Erasures), before)
	erasing.Go(func() { erase(fx.other, 2) })
	<-waiting.asked
	close(waiting.answer)
	erasing.Wait()
	erasing.Go(func() { erase(fx.program, 1) })
	<-waiting.asked
	erasing.Wait()
}

func TestErasingAgainCompletesAFailedErasure(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.startWorkers()
	call := "CA" + strings.Repeat("ab", 16)
	_, err := fx.store.EraseCalls(t.Context(), schema.ErasureRecord{Account: fx.program.account, Calls: []schema.Erasure{{Call: call, Day: "2026-03-01"}}})
	require.NoError(t, err) // the archive was unavailable
	a := fx.send(fx.program, http.MethodDelete, "/v1/Archives/2026-03-01/Calls/"+call, nil)
	require.Equal(t, http.StatusNoContent, a.status, a.body)
	fx.platform.mu.Lock()
	defer fx.platform.mu.Unlock()
	require.Equal(t, []string{call}, fx.platform.erased)
}

func TestManyCallsAreErasedAtOnceAndTheirFileIsRebuilt(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.startWorkers()
	var calls []string
	for n := range 12 {
		calls = append(calls, fmt.Sprintf("CA%032x", n))
	}
	fx.platform.setRecords(fx.program.account, schema.Calls, "2026-03-01", calls...)
	fx.createDayFile(fx.program, schema.Calls, "2026-03-01", "a")
	responses := make([]response, len(calls))
	eventually(t, "all are erased", func() bool { // a busy machine may answer 503
		var erasing sync.WaitGroup
		for n, call := range calls {
			erasing.Go(func() {
				responses[n] = fx.send(fx.program, http.MethodDelete, "/v1/Archives/2026-03-01/Calls/"+call, nil)
			})
		}
		erasing.Wait()
		return !slices.ContainsFunc(responses, func(a response) bool { return a.status != http.StatusNoContent })
	})
	_, err := fx.temporal.DescribeWorkflowExecution(t.Context(), workflows.DayRebuildID(fx.program.account, "2026-03-01"), "")
	require.NoError(t, err)
}

func TestErasingWithoutAConfiguredArchiveIsForbidden(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.platform.withoutArchive = true
	fx.startWorkers()
	call := "CA" + strings.Repeat("ab", 16)
	fx.platform.setRecords(fx.program.account, schema.Calls, "2026-03-01", call)
	requireError(t, fx.send(fx.program, http.MethodDelete, "/v1/Archives/2026-03-01/Calls/"+call, nil), 403, 20403, "old calls")
}

func TestFileCanBeRemovedBeforeItExpires(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.startWorkers()
	f, _ := fx.createDayFile(fx.program, schema.Calls, "2026-03-01", "a")
	link := fx.link(fx.program, schema.Calls, "2026-03-01")
	list := fx.send(fx.program, http.MethodGet, "/v1/bulk/files", nil)
	require.Equal(t, f.ID, decode[map[string][]bulk.FileView](t, list.body)["files"][0].ID)
	require.Equal(t, http.StatusNotFound, fx.send(fx.other, http.MethodDelete, "/v1/bulk/files/"+f.ID, nil).status)
	require.Equal(t, http.StatusNotFound, fx.send(fx.program, http.MethodDelete, "/v1/bulk/files/DF1", nil).status)
	require.Equal(t, http.StatusForbidden, fx.send(fx.member, http.MethodDelete, "/v1/bulk/files/"+f.ID, nil).status)
	require.Equal(t, http.StatusUnauthorized, fx.send(anonymous, http.MethodDelete, "/v1/bulk/files/"+f.ID, nil).status)
	a := fx.send(fx.program, http.MethodDelete, "/v1/bulk/files/"+f.ID, nil)
	require.Equal(t, http.StatusNoContent, a.status, a.body)
	requireError(t, fx.send(anonymous, http.MethodGet, link, nil), 404, 20404)
	require.Equal(t, http.StatusNotFound, fx.send(fx.program, http.MethodDelete, "/v1/bulk/files/"+f.ID, nil).status)
	require.JSONEq(t, `{"files":[]}`, fx.send(fx.program, http.MethodGet, "/v1/bulk/files", nil).body)
}

func TestWebhookIsResentAlsoWhileItsPreviousRunCloses(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	e := schema.Event{
		ID: uuid.NewString(), Account: fx.program.account, Type: schema.Calls, Day: "2026-03-01",
		Hook: schema.Hook{URL: "https://hooks.example.com/", Method: "POST"}, EventResult: schema.EventResult{Completed: 1},
	}
	require.NoError(t, fx.store.OpenEvent(t.Context(), e))
	require.NoError(t, fx.store.RecordAttempt(t.Context(), e.ID, schema.EventAttempt{HTTPStatus: 200, Outcome: string(schema.EventDelivered)}))
	closing, err := fx.temporal.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: workflows.WebhookID(e.ID), TaskQueue: workflows.TaskQueue},
		bulkexport.WebhookDelivery, bulkexport.WebhookDeliveryInput{Event: e.ID, Account: e.Account})
	require.NoError(t, err)
	done := make(chan response, 1)
	go func() { done <- fx.send(fx.program, http.MethodPost, "/v1/bulk/events/"+e.ID+"/resend", nil) }()
	select {
	case a := <-done:
		require.Fail(t, "answered while the previous run is open", a.body)
	case <-time.After(300 * time.Millisecond):
	}
	require.NoError(t, fx.temporal.TerminateWorkflow(t.Context(), closing.GetID(), closing.GetRunID(), "a test"))
	require.Equal(t, http.StatusAccepted, (<-done).status)
	open, err := workflowclient.IsOpen(t.Context(), fx.temporal, workflows.WebhookID(e.ID))
	require.NoError(t, err)
	require.True(t, open, "a new run delivers it")
}

func TestWebhookCanBeResent(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withoutTemporal(t))
	e := schema.Event{
		ID: uuid.NewString(), Account: fx.program.account, Type: schema.Calls, Day: "2026-03-01",
		Hook: schema.Hook{URL: "https://hooks.example.com/", Method: "POST"}, EventResult: schema.EventResult{Completed: 1},
	}
	require.NoError(t, fx.store.OpenEvent(t.Context(), e))
	require.NoError(t, fx.store.RecordAttempt(t.Context(), e.ID, schema.EventAttempt{Outcome: "no response", Took: 15000}))
	require.NoError(t, fx.store.MarkEventFailed(t.Context(), e.ID))
	list := decode[map[string][]bulk.EventView](t, fx.send(fx.program, http.MethodGet, "/v1/bulk/events", nil).body)["events"]
	require.Len(t, list, 1)
	require.Equal(t, schema.EventFailed, list[0].Status)
	require.Nil(t, list[0].Log[0].HTTPStatus)
	require.JSONEq(t, `{"events":[]}`, fx.send(fx.other, http.MethodGet, "/v1/bulk/events", nil).body)
	for _, id := range []string{uuid.NewString(), "x", "urn:uuid:" + e.ID} {
		require.Equal(t, http.StatusNotFound, fx.send(fx.program, http.MethodPost, "/v1/bulk/events/"+id+"/resend", nil).status)
	}
	require.Equal(t, http.StatusNotFound, fx.send(fx.other, http.MethodPost, "/v1/bulk/events/"+e.ID+"/resend", nil).status)
	unavailable := fx.send(fx.program, http.MethodPost, "/v1/bulk/events/"+e.ID+"/resend", nil)
	require.Equal(t, http.StatusServiceUnavailable, unavailable.status)
	require.Equal(t, "application/problem+json", unavailable.header.Get("Content-Type"))
}

func TestWebhooksAreResentWithinLimits(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	failed := func(account string) string {
		e := schema.Event{
			ID: uuid.NewString(), Account: account, Type: schema.Calls, Day: "2026-03-01",
			Hook: schema.Hook{URL: "https://hooks.example.com/", Method: "POST"}, EventResult: schema.EventResult{Completed: 1},
		}
		require.NoError(t, fx.store.OpenEvent(t.Context(), e))
		require.NoError(t, fx.store.MarkEventFailed(t.Context(), e.ID))
		return e.ID
	}
	resend := func(as credentials, id string) response {
		a := fx.send(as, http.MethodPost, "/v1/bulk/events/"+id+"/resend", nil)
		if a.status == http.StatusAccepted { // and given up again
			require.NoError(t, fx.temporal.TerminateWorkflow(t.Context(), workflows.WebhookID(id), "", "a test"))
		}
		return a
	}
	id := failed(fx.program.account)
	for range 10 {
		require.Equal(t, http.StatusAccepted, resend(fx.program, id).status)
	}
	before := limit.Met(limit.EventResends)
	refused := resend(fx.program, id)
	require.Equal(t, http.StatusTooManyRequests, refused.status)
	require.Contains(t, refused.body, schema.CodeTooManyResends)
	require.NotEmpty(t, refused.header.Get("Retry-After"))
	require.Greater(t, limit.Met(limit.EventResends), before)
	require.Equal(t, http.StatusAccepted, resend(fx.program, failed(fx.program.account)).status, "another event")

	for range 100 { // under way
		_, err := fx.rows.Exec(`insert into satchel.events (id, account_sid, resource_type, webhook_url, webhook_method, days_completed, days_empty, days_failed)
			values (gen_random_uuid(), $1, 'Calls', 'https://hooks.example.com/', 'POST', 1, 0, 0)`, fx.program.account)
		require.NoError(t, err)
	}
	require.Equal(t, http.StatusTooManyRequests, resend(fx.program, failed(fx.program.account)).status)
	require.Equal(t, http.StatusAccepted, resend(fx.other, failed(fx.other.account)).status, "another account")
}
