package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

//go:embed static
var static embed.FS

// staticFiles holds the static files by name.
type staticFiles map[string]staticFile

// staticFile is a file, plain and compressed. Its version is a hash of its content.
type staticFile struct {
	contentType, version string
	plain, gzipped       []byte
}

func readStaticFiles() staticFiles {
	entries, err := static.ReadDir("static")
	if err != nil {
		panic(err) // cannot happen: the file is embedded
	}
	all := staticFiles{}
	for _, e := range entries {
		plain, err := static.ReadFile("static/" + e.Name())
		if err != nil {
			panic(err) // cannot happen: the file is embedded
		}
		sum := sha256.Sum256(plain)
		all[e.Name()] = staticFile{
			contentType: mime.TypeByExtension(path.Ext(e.Name())), version: hex.EncodeToString(sum[:8]),
			plain: plain, gzipped: gzipBytes(plain),
		}
	}
	return all
}

func gzipBytes(plain []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is valid
	_, _ = z.Write(plain)                                 // a buffer cannot fail
	_ = z.Close()
	return b.Bytes()
}

// url is the path of the current version of a file, which never changes.
func (f staticFiles) url(name string) string { return "/static/" + name + "?v=" + f[name].version }

// static handles GET /static/{file}. A request for the current version may be cached for a
// year.
func (w *Web) static(c echo.Context) error {
	f, ok := w.files[c.Param("file")]
	if !ok {
		return echo.ErrNotFound
	}
	header, content, suffix := c.Response().Header(), f.plain, "" // of the ETag
	if strings.Contains(c.Request().Header.Get(echo.HeaderAcceptEncoding), "gzip") && len(f.gzipped) < len(f.plain) {
		content, suffix = f.gzipped, "-gzip"
		header.Set(echo.HeaderContentEncoding, "gzip")
	}
	header.Set("ETag", `"`+f.version+suffix+`"`)
	header.Set(echo.HeaderContentType, f.contentType)
	header.Set(echo.HeaderVary, echo.HeaderAcceptEncoding)
	header.Set(echo.HeaderCacheControl, "public, no-cache")
	if c.QueryParam("v") == f.version {
		header.Set(echo.HeaderCacheControl, "public, max-age=31536000, immutable")
	}
	http.ServeContent(c.Response(), c.Request(), "", time.Time{}, bytes.NewReader(content))
	return nil
}
