package bulk_test

import (
	"net/http"
	"testing"

	"satchel/dev/testservices"
)

var contract = testservices.OpenContract("../api/openapi.json")

// requireContract fails the test unless openapi.json allows such a response to the request.
func requireContract(t *testing.T, req *http.Request, a response) {
	t.Helper()
	contract.Holds(t, req.Method, req.URL.Path, a.status, a.header, a.body)
}
