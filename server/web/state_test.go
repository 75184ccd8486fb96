package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/store"
)

// clock is a database whose time is began.
type clock struct{ Exports }

func (clock) Now(context.Context) (time.Time, error) { return began, nil }

func TestALinkedPageFollowsTheExportAndTheDatabasesClock(t *testing.T) {
	t.Parallel()
	w := &Web{Options: Options{Exports: clock{}}}
	past, future := began.Add(-time.Nanosecond), began.Add(time.Nanosecond)
	for _, c := range []struct {
		name     string
		export   schema.Export
		unknown  bool
		query    string
		signedIn bool
		state    string
		status   int
	}{
		{name: "its row is not written yet", unknown: true, state: stateUnknown, status: 200},
		{name: "pending", export: schema.Export{Status: schema.Pending, ConfirmBy: future}, state: stateWaiting, status: 200},
		{name: "pending at its end", export: schema.Export{Status: schema.Pending, ConfirmBy: began}, state: stateLapsed, status: 410},
		{name: "pending after its end", export: schema.Export{Status: schema.Pending, ConfirmBy: past}, state: stateLapsed, status: 410},
		{name: "just submitted", export: schema.Export{Status: schema.Pending, ConfirmBy: future}, query: "?sent", signedIn: true, state: stateSubmitted, status: 200},
		{name: "submitted by no one", export: schema.Export{Status: schema.Pending, ConfirmBy: future}, query: "?sent", state: stateWaiting, status: 200},
		{name: "confirmed", export: schema.Export{Status: schema.Confirmed, ConfirmBy: past}, state: stateRunning, status: 200},
		{name: "processing", export: schema.Export{Status: schema.Processing, ConfirmBy: past}, state: stateRunning, status: 200},
		{name: "completed", export: schema.Export{Status: schema.Completed, ExpiresAt: &future}, state: stateReady, status: 200},
		{name: "completed at its end", export: schema.Export{Status: schema.Completed, ExpiresAt: &began}, state: stateOver, status: 410},
		{name: "cancelled", export: schema.Export{Status: schema.Cancelled}, state: stateStopped, status: 410},
		{name: "unconfirmed", export: schema.Export{Status: schema.Expired, Reason: schema.ReasonUnconfirmed}, state: stateLapsed, status: 410},
		{name: "expired", export: schema.Export{Status: schema.Expired, Reason: schema.ReasonWindowPassed}, state: stateOver, status: 410},
		{name: "failed", export: schema.Export{Status: schema.Failed}, state: stateOver, status: 410},
	} {
		request := echo.New().NewContext(httptest.NewRequest(http.MethodGet, "/confirm/x"+c.query, nil), httptest.NewRecorder())
		state, err := w.linkState(request, linkedExport{Export: c.export, Known: !c.unknown, SignedIn: c.signedIn})
		require.NoError(t, err, c.name)
		require.Equal(t, c.state, state, c.name)
		require.Equal(t, c.status, linkStatus(state), c.name)
	}
}

func TestAFileIsOfferedUntilItExpires(t *testing.T) {
	t.Parallel()
	view := func(e schema.Export) exportView { return people{}.exportView(e, nil, "", began) }
	future := began.Add(time.Nanosecond)
	ready := view(schema.Export{Status: schema.Completed, ExpiresAt: &future})
	require.True(t, ready.HasFile)
	require.False(t, ready.Lapsed)
	over := view(schema.Export{Status: schema.Completed, ExpiresAt: &began})
	require.False(t, over.HasFile)
	require.True(t, over.Lapsed)
	require.NotEqual(t, ready.Fingerprint, over.Fingerprint, "the page is updated")
	require.False(t, view(schema.Export{Status: schema.Completed}).HasFile)
	require.False(t, view(schema.Export{Status: schema.Expired, ExpiresAt: &future}).HasFile)
	require.False(t, view(schema.Export{Status: schema.Pending, ConfirmBy: future}).Lapsed)
	require.True(t, view(schema.Export{Status: schema.Pending, ConfirmBy: began}).Lapsed)
}

func TestTheCooldownEndsWithItsTime(t *testing.T) {
	t.Parallel()
	past, future := began.Add(-time.Nanosecond), began.Add(time.Nanosecond)
	require.Nil(t, cooldownEnd(nil, began))
	require.Nil(t, cooldownEnd([]schema.Export{{}, {AvailableAgainAt: &past}, {AvailableAgainAt: &began}}, began))
	require.Equal(t, &future, cooldownEnd([]schema.Export{{}, {AvailableAgainAt: &future}}, began))
}

func TestMailsAboutAnExportGoToItsRequesterOrTheOwners(t *testing.T) {
	t.Parallel()
	n := people{list: []schema.Person{
		{ID: "US1", Email: "owner@example.com", Role: schema.Owner}, {ID: "US2", Email: "admin@example.com", Role: schema.Admin},
		{ID: "US3", Email: "member@example.com", Role: schema.Member}, {ID: "US4", Email: "other@example.com", Role: schema.Owner},
	}}
	owners := []string{"owner@example.com", "other@example.com"}
	for requester, want := range map[string][]string{
		"US1": {"owner@example.com"}, "US2": {"admin@example.com"}, "US3": owners, "": owners, "US5": owners,
	} {
		require.Equal(t, want, n.recipients(schema.Export{RequestedBy: requester}), requester)
	}
}

func TestTheTimelineNamesWhoEndedAnExport(t *testing.T) {
	t.Parallel()
	user := schema.NewUserID()
	n := people{nameByID: map[string]string{user: "Ada"}}
	removed := func(actor string) store.AuditEntry {
		return store.AuditEntry{AuditEvent: store.AuditEvent{Action: store.ActionRemoved, Actor: actor}}
	}
	for _, c := range []struct {
		export       schema.Export
		actor        string
		title, named string
	}{
		{schema.Export{Status: schema.Failed}, user, "Failed", ""},
		{schema.Export{Status: schema.Expired, Reason: schema.ReasonUnconfirmed}, user, "Expired: not confirmed in time", ""},
		{schema.Export{Status: schema.Expired, Reason: schema.ReasonWindowPassed}, user, "Deleted after the download period", ""},
		{schema.Export{Status: schema.Expired, Reason: schema.ReasonDeleted}, user, "Deleted early", "Ada"},
		{schema.Export{Status: schema.Cancelled}, user, "Cancelled", "Ada"},
		{schema.Export{Status: schema.Cancelled}, "", "Cancelled", ""},
		{schema.Export{Status: schema.Cancelled}, "account", "Cancelled", ""},
		{schema.Export{Status: schema.Cancelled}, schema.NewUserID(), "Cancelled", "someone who is no longer a user of the account"},
		{schema.Export{Status: schema.Cancelled}, schema.NewAPIKeyID(), "Cancelled", "a program with the account’s own credentials"},
	} {
		entries := n.timeline(c.export, []store.AuditEntry{removed(c.actor)})
		require.Len(t, entries, 1)
		require.Equal(t, c.title, entries[0].Title)
		require.Equal(t, c.named, entries[0].Actor)
	}
}
