package bulk_test

import (
	"net/http"
	"testing"

	"satchel/dev/testservices"
	"satchel/server/api"
)

var contract = testservices.OpenContract(func() ([]byte, error) { return api.Contract("") })

// requireContract fails the test unless the OpenAPI document allows such a response to the request.
func requireContract(t *testing.T, req *http.Request, a response) {
	t.Helper()
	contract.Holds(t, req.Method, req.URL.Path, a.status, a.header, a.body)
}
