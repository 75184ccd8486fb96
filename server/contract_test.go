package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/server/api"
)

var contract = testservices.OpenContract(func() ([]byte, error) { return api.Contract("") })

// requireContract fails the test unless openapi.json allows such a response to
// the request.
func (a response) requireContract(t *testing.T, method, path string) {
	t.Helper()
	contract.Holds(t, method, path, a.status, a.header, a.body)
}

// notInTheContract are pages, ways to sign in, files that answers lead to, and
// Twilio's API, which has a contract of its own.
var notInTheContract = []string{
	"/sign-in", "/sign-out", "/session", "/dev/", "/stop/", "/unsubscribe/", "/settings", "/static/", "/docs/", "/files/",
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
	for _, route := range newFixture(t).handler.Routes() {
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
	fx := newFixture(t, withTemporal, withBucket)
	e := fx.pendingExport(fx.owner)
	download := "/download/" + fx.links.Token(schema.ToDownload, e.ID, 1)
	requireStatus := func(v *visitor, method, path string, status int) {
		t.Helper()
		a := v.do(method, path, nil, "Accept", "application/json", "Sec-Fetch-Site", "same-origin")
		require.Equal(t, status, a.status, a.body)
		a.requireContract(t, method, path)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		requireStatus(fx.anonymous(), http.MethodGet, path, http.StatusOK)
	}
	newFixture(t).anonymous().get("/readyz").requireContract(t, http.MethodGet, "/readyz")

	requireStatus(fx.anonymous(), http.MethodGet, fx.confirmLink(e), http.StatusOK)
	requireStatus(fx.signedIn(fx.member), http.MethodGet, fx.confirmLink(e), http.StatusForbidden)
	requireStatus(fx.anonymous(), http.MethodGet, "/confirm/x", http.StatusNotFound)
	requireStatus(fx.anonymous(), http.MethodPost, fx.confirmLink(e), http.StatusUnauthorized)
	requireStatus(fx.program(), http.MethodPost, fx.confirmLink(e), http.StatusForbidden)
	requireStatus(fx.signedIn(fx.otherOwner), http.MethodPost, fx.confirmLink(e), http.StatusForbidden)
	requireStatus(fx.signedIn(fx.owner), http.MethodPost, "/confirm/x", http.StatusNotFound)
	requireStatus(fx.signedIn(fx.owner), http.MethodPost, fx.confirmLink(e), http.StatusAccepted)
	fx.signedIn(fx.owner).post(fx.confirmLink(e), nil).requireContract(t, http.MethodPost, fx.confirmLink(e))

	requireStatus(fx.anonymous(), http.MethodGet, download, http.StatusUnauthorized)
	requireStatus(fx.signedIn(fx.otherOwner), http.MethodGet, download, http.StatusForbidden)
	requireStatus(fx.signedIn(fx.owner), http.MethodGet, "/download/x", http.StatusNotFound)
	requireStatus(fx.signedIn(fx.owner), http.MethodGet, download, http.StatusConflict)

	fx.exec(`update satchel.exports set confirm_by = $2 where id = $1`, e.ID, time.Now().Add(-time.Second))
	requireStatus(fx.signedIn(fx.owner), http.MethodGet, fx.confirmLink(e), http.StatusGone)
	requireStatus(fx.signedIn(fx.owner), http.MethodPost, fx.confirmLink(e), http.StatusGone)
	fx.exec(`update satchel.exports set ended_at = now(), status = 'expired', reason = 'window_passed' where id = $1`, e.ID)
	requireStatus(fx.signedIn(fx.owner), http.MethodGet, download, http.StatusGone)
}
