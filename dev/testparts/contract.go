package testparts

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

// Contract is an OpenAPI document that answers are held against. It is read
// when it is first needed.
type Contract struct {
	read func() (*openapi3.T, error)
	ways func() (routers.Router, error)
}

// OpenContract returns the contract in the document that produce returns.
func OpenContract(produce func() ([]byte, error)) Contract {
	read := sync.OnceValues(func() (*openapi3.T, error) {
		text, err := produce()
		if err != nil {
			return nil, err
		}
		return openapi3.NewLoader().LoadFromData(text)
	})
	return Contract{read: read, ways: sync.OnceValues(func() (routers.Router, error) {
		doc, err := read()
		if err != nil {
			return nil, err
		}
		return legacy.NewRouter(doc)
	})}
}

// Document is what the contract says.
func (c Contract) Document(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := c.read()
	require.NoError(t, err)
	return doc
}

// Holds fails the test unless the contract says that such a request may be
// answered so.
func (c Contract) Holds(t *testing.T, method, path string, status int, header http.Header, body string) {
	t.Helper()
	ways, err := c.ways()
	require.NoError(t, err)
	asked := &http.Request{Method: method, URL: &url.URL{Path: path}, Header: http.Header{}}
	route, params, err := ways.FindRoute(asked)
	require.NoError(t, err, path)
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: asked, PathParams: params, Route: route},
		Status:                 status, Header: header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}
	input.SetBodyBytes([]byte(body))
	require.NoError(t, openapi3filter.ValidateResponse(t.Context(), input), "%s %s", method, path)
}
