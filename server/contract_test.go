package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/dev/testservices"
	"satchel/schema"
)

var contract = testservices.OpenContract("api/openapi.json")

// keepsTo fails the test unless openapi.json says that such a request may be
// answered so.
func (a answer) keepsTo(t *testing.T, method, path string) {
	t.Helper()
	contract.Holds(t, method, path, a.status, a.header, a.body)
}

// notInTheContract are pages, ways to sign in, files that answers lead to, and
// Twilio's API, which has a contract of its own.
var notInTheContract = []string{
	"/sign-in", "/sign-out", "/session", "/dev/", "/stop/", "/unsubscribe/", "/settings/", "/static/", "/docs/", "/files/",
	"/v1/Exports/", "/v1/Archives/",
}

func TestTheContractKnowsEveryRouteAndNoOther(t *testing.T) {
	t.Parallel()
	doc := contract.Document(t)
	var promised, served []string
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			promised = append(promised, method+" "+path)
		}
	}
routes:
	for _, route := range newWorld(t).handler.Routes() {
		for _, prefix := range notInTheContract {
			if route.Path == "/" || strings.HasPrefix(route.Path, prefix) {
				continue routes
			}
		}
		path := strings.NewReplacer(":id", "{id}", ":token", "{token}").Replace(route.Path)
		if item := doc.Paths.Value(path); route.Method == http.MethodHead && (item == nil || item.Head == nil) {
			continue // it is answered as GET is
		}
		served = append(served, route.Method+" "+path)
	}
	require.ElementsMatch(t, promised, served)
}

func TestMailedLinksAndHealthAreAnsweredAsTheContractSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal, withBucket)
	e := w.asked(w.owner)
	download := "/download/" + w.links.Token(schema.ToDownload, e.ID, 1)
	asks := func(v *visitor, method, path string, status int) {
		t.Helper()
		a := v.do(method, path, nil, "Accept", "application/json", "Sec-Fetch-Site", "same-origin")
		require.Equal(t, status, a.status, a.body)
		a.keepsTo(t, method, path)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		asks(w.nobody(), http.MethodGet, path, http.StatusOK)
	}
	newWorld(t).nobody().get("/readyz").keepsTo(t, http.MethodGet, "/readyz")

	asks(w.nobody(), http.MethodGet, w.confirmLink(e), http.StatusOK)
	asks(w.as(w.member), http.MethodGet, w.confirmLink(e), http.StatusForbidden)
	asks(w.nobody(), http.MethodGet, "/confirm/x", http.StatusNotFound)
	asks(w.nobody(), http.MethodPost, w.confirmLink(e), http.StatusUnauthorized)
	asks(w.program(), http.MethodPost, w.confirmLink(e), http.StatusForbidden)
	asks(w.as(w.stranger), http.MethodPost, w.confirmLink(e), http.StatusForbidden)
	asks(w.as(w.owner), http.MethodPost, "/confirm/x", http.StatusNotFound)
	asks(w.as(w.owner), http.MethodPost, w.confirmLink(e), http.StatusAccepted)
	w.as(w.owner).post(w.confirmLink(e), nil).keepsTo(t, http.MethodPost, w.confirmLink(e))

	asks(w.nobody(), http.MethodGet, download, http.StatusUnauthorized)
	asks(w.as(w.stranger), http.MethodGet, download, http.StatusForbidden)
	asks(w.as(w.owner), http.MethodGet, "/download/x", http.StatusNotFound)
	asks(w.as(w.owner), http.MethodGet, download, http.StatusConflict)

	w.exec(`update satchel.exports set confirm_by = $2 where id = $1`, e.ID, time.Now().Add(-time.Second))
	asks(w.as(w.owner), http.MethodGet, w.confirmLink(e), http.StatusGone)
	asks(w.as(w.owner), http.MethodPost, w.confirmLink(e), http.StatusGone)
	w.exec(`update satchel.exports set ended_at = now(), status = 'expired', reason = 'window_passed' where id = $1`, e.ID)
	asks(w.as(w.owner), http.MethodGet, download, http.StatusGone)
}
