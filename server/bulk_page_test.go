package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"satchel/schema"
)

const bulkSettings = "/settings/bulk-export"

// bulkJob is a job of the account as its run writes it, of days that end
// yesterday.
func (w *world) bulkJob(name string, days int) schema.Job {
	w.t.Helper()
	last := schema.DayOf(time.Now()).Plus(-1)
	o := schema.JobOpening{
		JobRequest: schema.JobRequest{Name: name}, ID: schema.NewJobID(), Account: w.account, Family: w.account,
		Type: schema.Calls, Start: last.Plus(1 - days), End: last, RequestedBy: w.owner, QuotaDays: 366,
	}
	require.NoError(w.t, w.parts.store.OpenJob(w.t.Context(), o))
	job, err := w.parts.store.Job(w.t.Context(), o.ID)
	require.NoError(w.t, err)
	return job
}

// bulkFile is a file of the account to be seen, without its object.
func (w *world) bulkFile(account string, day schema.Day) string {
	w.t.Helper()
	id := schema.NewDayFileID()
	_, err := w.parts.store.PublishDay(w.t.Context(), schema.NewDayFile{
		ID: id, Account: account, Type: schema.Calls, Day: day, Records: 1234, Size: 56789, SHA256: strings.Repeat("ab", 32),
		Wrapped: []byte("wrapped"), Retention: 7 * 24 * time.Hour,
	})
	require.NoError(w.t, err)
	return id
}

func (w *world) bulkEvent(name, address string) schema.Event {
	w.t.Helper()
	e := schema.Event{
		ID: uuid.NewString(), Account: w.account, Type: schema.Calls, Job: schema.NewJobID(),
		Hook: schema.Hook{URL: address, Method: "POST"}, Result: schema.Result{Name: name, Start: "2026-03-01", End: "2026-03-02", Completed: 2},
	}
	require.NoError(w.t, w.parts.store.OpenEvent(w.t.Context(), e))
	return e
}

func TestTheBulkPageHoldsNothingYet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page := w.as(w.owner).get(bulkSettings)
	newest := schema.DayOf(time.Now()).Plus(-1)
	page.says(t, http.StatusOK, `data-jobs="none"`, `data-files="none"`, `data-deliveries="none"`, `data-left="366"`, "366 of 366 left",
		`max="`+string(newest)+`" value="`+string(newest)+`"`, "This asks for 7 days, and leaves 359 of today’s 366.", "7 days.</strong> Then a file and its key",
		`id="tab-bulk-export" href="/settings/bulk-export" aria-current="page"`, string(w.settings.site)+"/v1/Exports/Calls/Jobs")
	require.Equal(t, 4, strings.Count(page.body, `data-enabled="false"`))
	require.NotContains(t, page.body, `id="subaccounts"`)
	nothingInline(t, page.body)
	w.as(w.owner).get(settings).says(t, http.StatusOK, `id="tab-data-export" href="/settings/data-export" aria-current="page"`)
}
