package bulk_test

import (
	"net/http"
	"testing"

	"satchel/dev/testservices"
)

var contract = testservices.OpenContract("../api/openapi.json")

// holdAgainstContract fails the test unless openapi.json says that such a
// request may be answered so.
func holdAgainstContract(t *testing.T, req *http.Request, a answer) {
	t.Helper()
	contract.Holds(t, req.Method, req.URL.Path, a.status, a.header, a.body)
}
