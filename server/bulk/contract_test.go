package bulk_test

import (
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/stretchr/testify/require"
)

var contract = sync.OnceValues(func() (routers.Router, error) {
	doc, err := openapi3.NewLoader().LoadFromFile("../api/openapi.json")
	if err != nil {
		return nil, err
	}
	return legacy.NewRouter(doc)
})

// holdAgainstContract fails the test unless openapi.json says that such a
// request may be answered so.
func holdAgainstContract(t *testing.T, req *http.Request, a answer) {
	t.Helper()
	routes, err := contract()
	require.NoError(t, err)
	at := req.Clone(req.Context())
	at.URL = &url.URL{Path: req.URL.Path}
	route, params, err := routes.FindRoute(at)
	require.NoError(t, err, req.URL.Path)
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: at, PathParams: params, Route: route},
		Status:                 a.status, Header: a.header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}
	input.SetBodyBytes([]byte(a.body))
	require.NoError(t, openapi3filter.ValidateResponse(req.Context(), input), "%s %s", req.Method, req.URL.Path)
}
