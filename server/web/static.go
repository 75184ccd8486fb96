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

// files are the static files by name.
type files map[string]file

// file is one file in both forms it is sent in. Its version changes with it.
type file struct {
	contentType, version string
	plain, gzipped       []byte
}

func readFiles() files {
	entries, err := static.ReadDir("static")
	if err != nil {
		panic(err) // it is part of the program
	}
	all := files{}
	for _, e := range entries {
		plain, err := static.ReadFile("static/" + e.Name())
		if err != nil {
			panic(err) // it is part of the program
		}
		sum := sha256.Sum256(plain)
		all[e.Name()] = file{
			contentType: mime.TypeByExtension(path.Ext(e.Name())), version: hex.EncodeToString(sum[:8]),
			plain: plain, gzipped: compressed(plain),
		}
	}
	return all
}

func compressed(plain []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is one that there is
	_, _ = z.Write(plain)                                 // a buffer takes everything
	_ = z.Close()
	return b.Bytes()
}

// address is where a file is found, for ever in this version.
func (f files) address(name string) string { return "/static/" + name + "?v=" + f[name].version }

// static answers GET /static/{file}. Who asks for this very version may keep
// it for a year.
func (w *Web) static(c echo.Context) error {
	f, ok := w.files[c.Param("file")]
	if !ok {
		return echo.ErrNotFound
	}
	header, content, form := c.Response().Header(), f.plain, ""
	if strings.Contains(c.Request().Header.Get(echo.HeaderAcceptEncoding), "gzip") && len(f.gzipped) < len(f.plain) {
		content, form = f.gzipped, "-gzip"
		header.Set(echo.HeaderContentEncoding, "gzip")
	}
	header.Set("ETag", `"`+f.version+form+`"`)
	header.Set(echo.HeaderContentType, f.contentType)
	header.Set(echo.HeaderVary, echo.HeaderAcceptEncoding)
	header.Set(echo.HeaderCacheControl, "public, no-cache")
	if c.QueryParam("v") == f.version {
		header.Set(echo.HeaderCacheControl, "public, max-age=31536000, immutable")
	}
	http.ServeContent(c.Response(), c.Request(), "", time.Time{}, bytes.NewReader(content))
	return nil
}
