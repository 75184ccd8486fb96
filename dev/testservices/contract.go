package testservices

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

// Contract validates responses against an OpenAPI document, which is read at
// first use.
type Contract struct {
	document func() (*openapi3.T, error)
	router   func() (routers.Router, error)
}

// OpenContract returns the contract in the document that load returns.
func OpenContract(load func() ([]byte, error)) Contract {
	read := sync.OnceValues(func() (*openapi3.T, error) {
		text, err := load()
		if err != nil {
			return nil, err
		}
		return openapi3.NewLoader().LoadFromData(text)
	})
	return Contract{document: read, router: sync.OnceValues(func() (routers.Router, error) {
		doc, err := read()
		if err != nil {
			return nil, err
		}
		return legacy.NewRouter(doc)
	})}
}

// Document returns the OpenAPI document.
func (c Contract) Document(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := c.document()
	require.NoError(t, err)
	return doc
}

// Holds fails the test unless the contract allows this response to the request.
func (c Contract) Holds(t *testing.T, method, path string, status int, header http.Header, body string) {
	t.Helper()
	router, err := c.router()
	require.NoError(t, err)
	request := &http.Request{Method: method, URL: &url.URL{Path: path}, Header: http.Header{}}
	route, params, err := router.FindRoute(request)
	require.NoError(t, err, path)
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: request, PathParams: params, Route: route},
		Status:                 status, Header: header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}
	input.SetBodyBytes([]byte(body))
	require.NoError(t, openapi3filter.ValidateResponse(t.Context(), input), "%s %s", method, path)
}
