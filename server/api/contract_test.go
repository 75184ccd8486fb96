package api_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/server/api"
)

// schema2020 validates by the JSON Schema of OpenAPI 3.1.
var schema2020 = openapi3.EnableJSONSchema2020()

// contract is openapi.json as readers get it.
var contract = sync.OnceValues(func() (*openapi3.T, error) {
	text, err := api.Contract("")
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(openapi3.NewLoader().Context)
})

var contractRoutes = sync.OnceValues(func() (routers.Router, error) {
	doc, err := contract()
	if err != nil {
		return nil, err
	}
	return legacy.NewRouter(doc)
})

// requireContract fails the test unless openapi.json says that such a
// request may be answered so. Paths and methods that it does not know must be
// answered with a problem.
func requireContract(t *testing.T, req *http.Request, res *http.Response) {
	t.Helper()
	routes, err := contractRoutes()
	require.NoError(t, err)
	at := req.Clone(req.Context())
	at.URL = &url.URL{Path: req.URL.Path}
	route, params, err := routes.FindRoute(at)
	if err != nil && at.Method == http.MethodHead { // which is answered as GET is
		at.Method = http.MethodGet
		route, params, err = routes.FindRoute(at)
	}
	if err != nil {
		require.Contains(t, []int{http.StatusNotFound, http.StatusMethodNotAllowed}, res.StatusCode)
		requireSchema(t, "Problem", keepBody(t, res))
		return
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: at, PathParams: params, Route: route},
		Status:                 res.StatusCode, Header: res.Header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}
	streams := strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream")
	isFile := strings.HasSuffix(req.URL.Path, "/archive") && res.StatusCode < 300
	if streams || isFile || req.Method == http.MethodHead {
		input.Options.ExcludeResponseBody = true // events and files are looked at by the tests that read them
	} else {
		input.SetBodyBytes(keepBody(t, res))
	}
	require.NoError(t, openapi3filter.ValidateResponse(req.Context(), input), "%s %s", req.Method, req.URL.Path)
	if spoken := route.Operation.Responses.Status(res.StatusCode); spoken != nil && len(spoken.Value.Content) == 0 && !input.Options.ExcludeResponseBody {
		require.Empty(t, keepBody(t, res), "a body that the contract does not know")
	}
}

// keepBody reads a body and puts it back.
func keepBody(t *testing.T, res *http.Response) []byte {
	t.Helper()
	read, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	res.Body = io.NopCloser(bytes.NewReader(read))
	return read
}

func requireSchema(t *testing.T, name string, text []byte) {
	t.Helper()
	doc, err := contract()
	require.NoError(t, err)
	var value any
	require.NoError(t, json.Unmarshal(text, &value), string(text))
	require.NoError(t, doc.Components.Schemas[name].Value.VisitJSON(value, schema2020, openapi3.MultiErrors()), string(text))
}

func TestTheContractIsAValidOpenAPIDocumentAndItsExamplesAreTrue(t *testing.T) {
	t.Parallel()
	doc, err := contract()
	require.NoError(t, err)
	require.Equal(t, "3.1.0", doc.OpenAPI)
	examples := 0
	for _, item := range doc.Paths.Map() {
		for _, operation := range item.Operations() {
			for status, response := range operation.Responses.Map() {
				for _, media := range response.Value.Content {
					for _, example := range allExamples(media) {
						examples++
						require.NoError(t, media.Schema.Value.VisitJSON(example, schema2020), "%s %s", operation.OperationID, status)
					}
				}
			}
		}
	}
	require.Greater(t, examples, 10)
}

func allExamples(media *openapi3.MediaType) []any {
	if media.Schema == nil {
		return nil
	}
	var list []any
	if media.Example != nil {
		list = append(list, media.Example)
	}
	for _, e := range media.Examples {
		list = append(list, e.Value.Value)
	}
	return list
}

func TestTheContractNamesTheSiteWithItsPath(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, func(_ *testing.T, d *api.Deps) { d.Site = "https://www.example.com/export" })
	served := decode[struct{ Servers []struct{ URL string } }](t, fx.send(anonymous, http.MethodGet, "/openapi.json").body)
	require.Len(t, served.Servers, 1)
	require.Equal(t, "https://www.example.com/export", served.Servers[0].URL)
}

func TestTheContractAndTheSchemaArePublic(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	for path, contentType := range map[string]string{
		"/openapi.json": "application/json", "/schemas/account-export-1.0.json": "application/schema+json",
	} {
		a := fx.send(anonymous, http.MethodGet, path)
		require.Equal(t, http.StatusOK, a.status)
		require.Equal(t, contentType, a.header.Get("Content-Type"))
		require.True(t, json.Valid([]byte(a.body)))
		again := fx.send(anonymous, http.MethodGet, path, header("If-None-Match", a.header.Get("ETag")))
		require.Equal(t, http.StatusNotModified, again.status)
	}
}

func TestTheContractNamesTheCategoriesOfTheCatalog(t *testing.T) {
	t.Parallel()
	text, err := api.Contract("https://www.example.com")
	require.NoError(t, err)
	require.NotContains(t, string(text), "{{", "a placeholder is left")
	doc, err := contract()
	require.NoError(t, err)
	require.Len(t, doc.Components.Schemas["Category"].Value.Properties["name"].Value.Enum, len(schema.Categories))
	for _, status := range []string{"waiting", "reading", "done"} {
		require.Contains(t, string(text), `"status":"`+status+`"`)
	}
}

func gunzip(t *testing.T, compressed []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(compressed))
	require.NoError(t, err)
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	return text
}

func TestTheContractWouldNoticeAMissingKeyAndAnUnknownOne(t *testing.T) {
	t.Parallel()
	doc, err := contract()
	require.NoError(t, err)
	export := doc.Components.Schemas["Export"].Value
	fine := func() map[string]any {
		return doc.Components.Responses["Accepted"].Value.Content["application/json"].Example.(map[string]any)
	}
	check := func(change func(map[string]any)) error {
		text, err := json.Marshal(fine())
		require.NoError(t, err)
		v := decode[map[string]any](t, string(text))
		change(v)
		return export.VisitJSON(v, schema2020)
	}
	require.NoError(t, check(func(map[string]any) {}))
	for name, change := range map[string]func(map[string]any){
		"a key is missing":     func(v map[string]any) { delete(v, "reason") },
		"a key is new":         func(v map[string]any) { v["mood"] = "good" },
		"a time is local":      func(v map[string]any) { v["requestedAt"] = "2026-02-28T12:00:00+01:00" },
		"a category is absent": func(v map[string]any) { c := v["categories"].([]any); v["categories"] = c[:len(c)-1] },
		"categories are mixed": func(v map[string]any) { c := v["categories"].([]any); c[0], c[1] = c[1], c[0] },
		"a status is unknown":  func(v map[string]any) { v["status"] = "paused" },
	} {
		require.Error(t, check(change), name)
	}
}
