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
)

//go:embed openapi.json
var openapiJSON []byte

// contractAt is openapi.json for readers of a site, which may stand under a path.
func contractAt(site schema.Site) ([]byte, error) {
	if site == "" {
		return openapiJSON, nil
	}
	address, err := json.Marshal(string(site))
	return bytes.Replace(openapiJSON, []byte(`"servers": [{"url": "/"}]`), []byte(`"servers": [{"url": `+string(address)+`}]`), 1), err
}

// document is a file for readers, made when the first of them asks.
type document struct {
	contentType string
	make        func(context.Context) ([]byte, error)

	mu   sync.Mutex
	body []byte
	etag string
	err  error // of the last attempt
	at   time.Time
}

func newDocument(contentType string, make func(context.Context) ([]byte, error)) *document {
	return &document{contentType: contentType, make: make}
}

// again is how long a failure to make a document is remembered, so that
// readers do not hammer on a part that is away.
const again = 5 * time.Second

func (d *document) get(ctx context.Context) ([]byte, string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.body != nil || d.err != nil && time.Since(d.at) < again {
		return d.body, d.etag, d.err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answering) // it is for all readers
	defer cancel()
	body, err := d.make(ctx)
	if err != nil {
		d.err, d.at = err, time.Now()
		return nil, "", err
	}
	sum := sha256.Sum256(body)
	d.body, d.etag, d.err = body, `W/"`+hex.EncodeToString(sum[:16])+`"`, nil // weak: it may be compressed on its way
	return d.body, d.etag, nil
}

// serve answers GET.
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
