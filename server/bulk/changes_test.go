package bulk_test

import (
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
	"satchel/workflows"
	"satchel/workflows/bulkexport"
	workflowclient "satchel/workflows/client"
)

const configuration = "/v1/Exports/Calls/Configuration"

func TestAConfigurationChangesByWhatIsSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.work()
	read := func(a answer) bulk.ConfigurationView {
		require.Equal(t, http.StatusOK, a.status, a.body)
		require.Len(t, decode[map[string]any](t, a.body), 5)
		decode[twilio.BulkexportsV1ExportConfiguration](t, a.body)
		return decode[bulk.ConfigurationView](t, a.body)
	}
	want := bulk.ConfigurationView{URL: site + configuration, ResourceType: schema.Calls}
	require.Equal(t, want, read(w.send(w.program, http.MethodGet, configuration, nil)))
	require.Equal(t, want, read(w.send(w.program, http.MethodPost, configuration, url.Values{})), "nothing sent, nothing changed")

	want.Enabled = true
	require.Equal(t, want, read(w.send(w.program, http.MethodPost, configuration, url.Values{"Enabled": {"True"}})))
	require.True(t, w.platform.scheduled(w.program.account, schema.Calls))
	want.WebhookURL, want.WebhookMethod = "https://hooks.example.com/bulk", "GET"
	require.Equal(t, want, read(w.send(w.program, http.MethodPost, configuration, url.Values{"WebhookUrl": {want.WebhookURL}, "WebhookMethod": {"get"}})))
	want.WebhookMethod = "POST"
	require.Equal(t, want, read(w.send(w.program, http.MethodPost, configuration, url.Values{"WebhookMethod": {"POST"}})))
	for name, form := range map[string]url.Values{
		"Enabled":       {"Enabled": {"yes"}},
		"WebhookUrl":    {"WebhookUrl": {"ftp://x"}, "Enabled": {"false"}},
		"WebhookMethod": {"WebhookMethod": {"PATCH"}},
		"both, or":      {"WebhookUrl": {""}},
	} {
		refused(t, w.send(w.program, http.MethodPost, configuration, form), 400, 20001, name)
	}
	require.Equal(t, want, read(w.send(w.program, http.MethodGet, configuration, nil)))
	want = bulk.ConfigurationView{URL: want.URL, ResourceType: schema.Calls}
	require.Equal(t, want, read(w.send(w.program, http.MethodPost, configuration, url.Values{"WebhookUrl": {""}, "WebhookMethod": {""}, "Enabled": {"FALSE"}})))
	require.False(t, w.platform.scheduled(w.program.account, schema.Calls))

	all, err := w.bulk.Configurations(t.Context(), w.principal(w.program))
	require.NoError(t, err)
	require.Len(t, all, 4)
}

func TestAConfigurationThatCannotBeWrittenNowIsA503(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nowhere(t))
	a := w.send(w.program, http.MethodPost, configuration, url.Values{"Enabled": {"true"}})
	refused(t, a, 503, 20503)
	require.NotEmpty(t, a.header.Get("Retry-After"))
	require.Contains(t, w.send(w.program, http.MethodGet, configuration, nil).body, `"enabled":false`)
}

func TestACallIsErasedUnderItsDayAndAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.work()
	call, gone := "CA"+strings.Repeat("ab", 16), "CA"+strings.Repeat("CD", 16)
	w.platform.has(w.program.account, schema.Calls, "2026-03-01", call, gone)
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
		a := w.send(w.program, http.MethodDelete, path, nil)
		require.Equal(t, code, a.status, "%s: %s", path, a.body)
	}
	refused(t, w.send(w.program, http.MethodDelete, archive("2026-03-02", call), nil), 404, 20404, "another")
	refused(t, w.send(w.other, http.MethodDelete, archive("2026-03-01", call), nil), 404, 20404)
	for range 2 {
		a := w.send(w.program, http.MethodDelete, archive("2026-03-01", gone), nil)
		require.Equal(t, http.StatusNoContent, a.status, a.body)
		require.Empty(t, a.body)
		w.platform.has(w.program.account, schema.Calls, "2026-03-01", call) // the platform's own copy is gone by now
	}
	refused(t, w.send(w.program, http.MethodDelete, archive("2026-03-02", gone), nil), 404, 20404, "another")
	erased, err := w.store.Erased(t.Context(), w.program.account, "2026-03-01")
	require.NoError(t, err)
	require.Equal(t, []string{gone}, erased)
}

func TestWhatErasingACallLeftUndoneIsDoneWhenItIsAskedForAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.work()
	call := "CA" + strings.Repeat("ab", 16)
	require.NoError(t, w.store.EraseCalls(t.Context(), w.program.account, "", []schema.Erasure{{Call: call, Day: "2026-03-01"}})) // and the archive was away
	a := w.send(w.program, http.MethodDelete, "/v1/Archives/2026-03-01/Calls/"+call, nil)
	require.Equal(t, http.StatusNoContent, a.status, a.body)
	w.platform.mu.Lock()
	defer w.platform.mu.Unlock()
	require.Equal(t, []string{call}, w.platform.erased)
}

func TestManyCallsAreErasedAtTheSameTimeAndARunMakesTheirFileAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.work()
	var calls []string
	for n := range 12 {
		calls = append(calls, fmt.Sprintf("CA%032x", n))
	}
	w.platform.has(w.program.account, schema.Calls, "2026-03-01", calls...)
	w.aFile(w.program, schema.Calls, "2026-03-01", "a")
	answers := make([]answer, len(calls))
	eventually(t, "all are erased", func() bool { // a machine that is busy may say so
		var erasing sync.WaitGroup
		for n, call := range calls {
			erasing.Go(func() { answers[n] = w.send(w.program, http.MethodDelete, "/v1/Archives/2026-03-01/Calls/"+call, nil) })
		}
		erasing.Wait()
		return !slices.ContainsFunc(answers, func(a answer) bool { return a.status != http.StatusNoContent })
	})
	_, err := w.temporal.DescribeWorkflowExecution(t.Context(), workflows.DayRebuildID(w.program.account, "2026-03-01"), "")
	require.NoError(t, err)
}

func TestErasingIsRefusedInTwiliosFormatWhereNoArchiveIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.platform.nameless = true
	w.work()
	call := "CA" + strings.Repeat("ab", 16)
	w.platform.has(w.program.account, schema.Calls, "2026-03-01", call)
	refused(t, w.send(w.program, http.MethodDelete, "/v1/Archives/2026-03-01/Calls/"+call, nil), 403, 20403, "old calls")
}

func TestAFileCanBeRemovedBeforeItsTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.work()
	f, _ := w.aFile(w.program, schema.Calls, "2026-03-01", "a")
	link := w.link(w.program, schema.Calls, "2026-03-01")
	list := w.send(w.program, http.MethodGet, "/v1/bulk/files", nil)
	require.Equal(t, f.ID, decode[map[string][]bulk.FileView](t, list.body)["files"][0].ID)
	require.Equal(t, http.StatusNotFound, w.send(w.other, http.MethodDelete, "/v1/bulk/files/"+f.ID, nil).status)
	require.Equal(t, http.StatusNotFound, w.send(w.program, http.MethodDelete, "/v1/bulk/files/DF1", nil).status)
	require.Equal(t, http.StatusForbidden, w.send(w.member, http.MethodDelete, "/v1/bulk/files/"+f.ID, nil).status)
	require.Equal(t, http.StatusUnauthorized, w.send(caller{}, http.MethodDelete, "/v1/bulk/files/"+f.ID, nil).status)
	a := w.send(w.program, http.MethodDelete, "/v1/bulk/files/"+f.ID, nil)
	require.Equal(t, http.StatusNoContent, a.status, a.body)
	refused(t, w.send(caller{}, http.MethodGet, link, nil), 404, 20404)
	require.Equal(t, http.StatusNotFound, w.send(w.program, http.MethodDelete, "/v1/bulk/files/"+f.ID, nil).status)
	require.JSONEq(t, `{"files":[]}`, w.send(w.program, http.MethodGet, "/v1/bulk/files", nil).body)
}

func TestAWebhookIsSentAgainAlsoWhileTheRunThatDeliveredItCloses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := schema.Event{
		ID: uuid.NewString(), Account: w.program.account, Type: schema.Calls, Day: "2026-03-01",
		Hook: schema.Hook{URL: "https://hooks.example.com/", Method: "POST"}, Result: schema.Result{Completed: 1},
	}
	require.NoError(t, w.store.OpenEvent(t.Context(), e))
	require.NoError(t, w.store.NoteTry(t.Context(), e.ID, schema.EventTry{HTTPStatus: 200, Outcome: string(schema.EventDelivered)}))
	closing, err := w.temporal.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: workflows.WebhookID(e.ID), TaskQueue: workflows.TaskQueue},
		bulkexport.WebhookDelivery, bulkexport.WebhookDeliveryInput{Event: e.ID, Account: e.Account})
	require.NoError(t, err)
	answered := make(chan answer, 1)
	go func() { answered <- w.send(w.program, http.MethodPost, "/v1/bulk/events/"+e.ID+"/resend", nil) }()
	select {
	case a := <-answered:
		require.Fail(t, "nothing would be sent", a.body)
	case <-time.After(300 * time.Millisecond):
	}
	require.NoError(t, w.temporal.TerminateWorkflow(t.Context(), closing.GetID(), closing.GetRunID(), "a test"))
	require.Equal(t, http.StatusAccepted, (<-answered).status)
	open, err := workflowclient.IsOpen(t.Context(), w.temporal, workflows.WebhookID(e.ID))
	require.NoError(t, err)
	require.True(t, open, "it is sent again")
}

func TestAWebhookCanBeSentOnceMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nowhere(t))
	e := schema.Event{
		ID: uuid.NewString(), Account: w.program.account, Type: schema.Calls, Day: "2026-03-01",
		Hook: schema.Hook{URL: "https://hooks.example.com/", Method: "POST"}, Result: schema.Result{Completed: 1},
	}
	require.NoError(t, w.store.OpenEvent(t.Context(), e))
	require.NoError(t, w.store.NoteTry(t.Context(), e.ID, schema.EventTry{Outcome: "nobody answered", Took: 15000}))
	require.NoError(t, w.store.GiveUpEvent(t.Context(), e.ID))
	list := decode[map[string][]bulk.EventView](t, w.send(w.program, http.MethodGet, "/v1/bulk/events", nil).body)["events"]
	require.Len(t, list, 1)
	require.Equal(t, schema.EventGivenUp, list[0].Status)
	require.Nil(t, list[0].Log[0].HTTPStatus)
	require.JSONEq(t, `{"events":[]}`, w.send(w.other, http.MethodGet, "/v1/bulk/events", nil).body)
	for _, id := range []string{uuid.NewString(), "x", "urn:uuid:" + e.ID} {
		require.Equal(t, http.StatusNotFound, w.send(w.program, http.MethodPost, "/v1/bulk/events/"+id+"/resend", nil).status)
	}
	require.Equal(t, http.StatusNotFound, w.send(w.other, http.MethodPost, "/v1/bulk/events/"+e.ID+"/resend", nil).status)
	away := w.send(w.program, http.MethodPost, "/v1/bulk/events/"+e.ID+"/resend", nil)
	require.Equal(t, http.StatusServiceUnavailable, away.status)
	require.Equal(t, "application/problem+json", away.header.Get("Content-Type"))
}
