package main

import (
	"bufio"
	"context"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

// event is one of the page's server-sent events.
type event struct{ name, id, data string }

// follow opens the stream that the page names, and sends its events until it
// ends.
func (v *visitor) follow(path string, header ...string) (<-chan event, int) {
	v.fx.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.fx.url+path, nil)
	require.NoError(v.fx.t, err)
	req.Header.Set("Accept", "text/event-stream")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if v.name != "" {
		req.SetBasicAuth(v.name, v.pass)
	}
	res, err := v.http.Do(req)
	require.NoError(v.fx.t, err)
	events := make(chan event, 100)
	v.fx.t.Cleanup(func() { cancel(); _ = res.Body.Close() })
	if res.StatusCode != http.StatusOK {
		close(events)
		return events, res.StatusCode
	}
	require.Equal(v.fx.t, "text/event-stream", res.Header.Get("Content-Type"))
	go func() {
		defer close(events)
		var e event
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			field, value, _ := strings.Cut(lines.Text(), ": ")
			switch {
			case field == "event":
				e.name = value
			case field == "id":
				e.id = value
			case field == "data":
				e.data += value + "\n"
			case lines.Text() == "" && e.name != "":
				events <- e
				e = event{}
			}
		}
	}()
	return events, res.StatusCode
}

// next waits for the next event.
func next(t *testing.T, events <-chan event) event {
	t.Helper()
	select {
	case e, ok := <-events:
		require.True(t, ok, "the stream has ended")
		return e
	case <-time.After(30 * time.Second):
		require.Fail(t, "no event came")
	}
	return event{}
}

// stream finds where the page's parts come from.
func (v *visitor) stream() string {
	v.fx.t.Helper()
	found := regexp.MustCompile(`sse-connect="([^"]+)"`).FindStringSubmatch(v.get(settings).body)
	require.NotNil(v.fx.t, found)
	return found[1]
}

func TestThePageIsRenderedAgainOnlyWhenItsExportChanges(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	e := fx.pendingExport(fx.owner)
	owner := fx.signedIn(fx.owner)
	events, _ := owner.follow(owner.stream())

	fx.updateExport(e, isConfirmed)
	drawn := next(t, events)
	require.Equal(t, "page", drawn.name, "what the page shows already is not sent")
	require.Contains(t, drawn.data, `data-status="confirmed"`)
	require.Contains(t, drawn.data, `sse-swap="progress"`)
	require.NotContains(t, drawn.data, "sse-connect", "the stream stays the same")

	fx.exec(`update satchel.categories set status = 'reading', expected_records = 1000 where export_id = $1`, e.ID)
	fx.exec(`update satchel.categories set records = 600, bytes = 60000 where export_id = $1 and category = 'calls'`, e.ID)
	for {
		moved := next(t, events)
		require.Equal(t, "progress", moved.name)
		require.NotContains(t, moved.data, "<button", "buttons are not replaced")
		if strings.Contains(moved.data, "600 of about 1,000") {
			require.Contains(t, moved.data, `data-percent="5"`)
			break
		}
	}

	fx.updateExport(e, isCompleted)
	drawn = next(t, events)
	require.Equal(t, "page", drawn.name)
	require.Contains(t, drawn.data, `id="download"`)
	require.NoError(t, fx.deps.store.AccountExports().EndExport(t.Context(), e.ID, schema.Ending{Status: schema.Expired, Reason: schema.ReasonDeleted}, fx.owner, schema.Certificate{}))
	drawn = next(t, events)
	require.Contains(t, drawn.data, `data-reason="deleted"`)
	require.Equal(t, event{name: "ended", data: "ended\n"}, next(t, events))
	_, more := <-events
	require.False(t, more, "it ends with the export")

	again, _ := owner.follow(settings+"/"+e.ID+"/events?seen=pending.1", "Last-Event-ID", drawn.id)
	require.Equal(t, "ended", next(t, again).name, "a browser that reconnects gets only what it has not seen")
}

func TestThePageNeverShowsLessProgressThanBefore(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	e := fx.pendingExport(fx.owner)
	fx.updateExport(e, isProcessing)
	fx.exec(`update satchel.categories set status = 'reading', records = 5, expected_records = 1000 where export_id = $1 and category = 'calls'`, e.ID)
	audit, err := fx.rows.Begin()
	require.NoError(t, err)
	defer audit.Rollback() //nolint:errcheck // it was committed
	_, err = audit.Exec(`lock table satchel.audit in access exclusive mode`)
	require.NoError(t, err)

	// The stream reads the export, and waits for the trail before it renders the page.
	events, _ := fx.signedIn(fx.owner).follow(settings + "/" + e.ID + "/events?seen=nothing")
	require.Eventually(t, func() bool {
		var waiting int
		require.NoError(t, fx.rows.Get(&waiting, `select count(*) from pg_locks where relation = 'satchel.audit'::regclass and not granted and database = (select oid from pg_database where datname = current_database())`))
		return waiting > 0
	}, 10*time.Second, 20*time.Millisecond)
	fx.exec(`update satchel.categories set records = 900 where export_id = $1 and category = 'calls'`, e.ID)
	require.NoError(t, audit.Commit())

	last := 0
	for last < 900 {
		found := regexp.MustCompile(`data-category="calls"[^>]* data-records="(\d+)"`).FindStringSubmatch(next(t, events).data)
		require.NotNil(t, found)
		records, err := strconv.Atoi(found[1])
		require.NoError(t, err)
		require.GreaterOrEqual(t, records, last)
		if last == 0 {
			require.Equal(t, 5, records, "the page shows the export that its stream has read")
		}
		last = records
	}
}

func TestALineBreakInANameStaysWithinItsEvent(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	e := fx.pendingExport(fx.owner)
	fx.exec(`update platform.users set name = $2 where sid = $1`, fx.owner, "Ada\revent: ended\r\r\nLovelace")
	owner := fx.signedIn(fx.owner)
	events, _ := owner.follow(owner.stream())
	fx.updateExport(e, isConfirmed)
	drawn := next(t, events)
	require.Equal(t, "page", drawn.name)
	require.Contains(t, drawn.data, "Ada\nevent: ended\n\nLovelace")
	require.NotContains(t, drawn.data, "\r", "it would end a line of the stream, too")
}

func TestOnlyTheAccountsOwnersAndAdminsFollow(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	fx.pendingExport(fx.owner)
	path := fx.signedIn(fx.owner).stream()
	for v, status := range map[*visitor]int{fx.anonymous(): http.StatusUnauthorized, fx.signedIn(fx.member): http.StatusForbidden, fx.signedIn(fx.otherOwner): http.StatusNotFound} {
		_, got := v.follow(path)
		require.Equal(t, status, got)
	}
	fx.anonymous().get(settings+"/live").requirePage(t, http.StatusUnauthorized)
	fx.signedIn(fx.member).get(settings+"/live").requirePage(t, http.StatusForbidden)
	fx.signedIn(fx.owner).get(settings+"/live").requirePage(t, http.StatusOK, `<div id="live"`, `data-status="pending"`)
	require.NotContains(t, fx.signedIn(fx.owner).get(settings+"/live").body, "<html")
}

func TestAStreamEndsAfterSignOutOrDemotion(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	e := fx.pendingExport(fx.owner)
	owner, admin := fx.signedIn(fx.owner), fx.signedIn(fx.admin)
	path := owner.stream()
	ofOwner, _ := owner.follow(path)
	ofAdmin, _ := admin.follow(path)
	stays, _ := fx.signedIn(fx.owner).follow(path)
	inJSON := "/v1/account/exports/" + e.ID + "/events"
	ofAdminInJSON, _ := admin.follow(inJSON)
	ofProgram, _ := fx.program().follow(inJSON)
	for _, events := range []<-chan event{ofAdminInJSON, ofProgram} {
		require.Equal(t, "export", next(t, events).name)
	}

	require.Equal(t, http.StatusSeeOther, owner.post("/sign-out", nil).status)
	fx.exec(`update platform.users set role = 'member' where sid = $1`, fx.admin)
	fx.exec(`update platform.accounts set auth_token_sha256 = sha256('another') where sid = $1`, fx.account)
	for _, events := range []<-chan event{ofOwner, ofAdmin, ofAdminInJSON, ofProgram} {
		select {
		case _, more := <-events:
			require.False(t, more, "no event was due")
		case <-time.After(30 * time.Second):
			require.Fail(t, "the stream goes on")
		}
	}
	_, status := owner.follow(path)
	require.Equal(t, http.StatusUnauthorized, status, "and a reconnect gets the error")
	_, status = admin.follow(path)
	require.Equal(t, http.StatusForbidden, status)
	select {
	case <-stays:
		require.Fail(t, "another session has not ended")
	default:
	}
}
