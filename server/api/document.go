package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed" // openapi.json
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/respond"
)

//go:embed openapi.json
var openapiJSON []byte

// contractAt returns openapi.json with the site as its server.
func contractAt(site schema.Site) ([]byte, error) {
	if site == "" {
		return openapiJSON, nil
	}
	address, err := json.Marshal(string(site))
	return bytes.Replace(openapiJSON, []byte(`"servers": [{"url": "/"}]`), []byte(`"servers": [{"url": `+string(address)+`}]`), 1), err
}

// document is a generated file. The first request generates it; later ones reuse it.
type document struct {
	contentType string
	generate    func(context.Context) ([]byte, error)

	mu   sync.Mutex
	body []byte
	etag string

	err      error // of the last attempt
	failedAt time.Time
}

func newDocument(contentType string, generate func(context.Context) ([]byte, error)) *document {
	return &document{contentType: contentType, generate: generate}
}

// retryInterval is how long a failure to generate a document is answered with the
// same error, so that requests do not overload a dependency that is unavailable.
const retryInterval = 5 * time.Second

func (d *document) get(ctx context.Context) ([]byte, string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.body != nil || d.err != nil && time.Since(d.failedAt) < retryInterval {
		return d.body, d.etag, d.err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), respond.RequestTimeout) // other requests need it, too
	defer cancel()
	body, err := d.generate(ctx)
	if err != nil {
		d.err, d.failedAt = err, time.Now()
		return nil, "", err
	}
	sum := sha256.Sum256(body)
	d.body, d.etag, d.err = body, `W/"`+hex.EncodeToString(sum[:16])+`"`, nil // weak, since it may be compressed
	return d.body, d.etag, nil
}

// serve answers GET and HEAD.
func (d *document) serve(c echo.Context) error {
	body, etag, err := d.get(c.Request().Context())
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set(echo.HeaderCacheControl, "public, max-age=300")
	h.Set("ETag", etag)
	if strings.Contains(c.Request().Header.Get("If-None-Match"), etag) {
		return c.NoContent(http.StatusNotModified)
	}
	return c.Blob(http.StatusOK, d.contentType, body)
}
