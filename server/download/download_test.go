package download

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"satchel/activities/vault"
	"satchel/schema"
)

const (
	text = "0123456789"
	etag = `"84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"`
)

// content is a file in memory that fails at an offset, unless that is -1.
type content struct {
	*strings.Reader
	failAt int64
	closed *[]string
}

var errBroken = errors.New("broken")

func (c *content) Read(p []byte) (int, error) {
	at, _ := c.Seek(0, io.SeekCurrent)
	if c.failAt < 0 {
		return c.Reader.Read(p)
	}
	if at >= c.failAt {
		return 0, errBroken
	}
	return c.Reader.Read(p[:min(int64(len(p)), c.failAt-at)])
}

func (c *content) Close() error { *c.closed = append(*c.closed, "content"); return nil }

// direct is a content that is read without copying.
type direct struct{ *content }

func (d direct) Next(limit int) ([]byte, error) {
	p := make([]byte, min(limit, 3))
	n, err := d.Read(p)
	return p[:n], err
}

type object struct{ closed *[]string }

func (o object) Close() error { *o.closed = append(*o.closed, "object"); return nil }

// result is what happened to a request for a file.
type result struct {
	*httptest.ResponseRecorder
	err     error
	audited []int64 // offsets
	whole   []bool
	closed  []string

	committed bool // before the audit
}

// options of a file.
type options struct {
	failAt     int64
	auditErr   error
	unbuffered bool
}

// request sends a request for the text.
func request(t *testing.T, method string, o options, header ...string) *result {
	t.Helper()
	r := &result{ResponseRecorder: httptest.NewRecorder()}
	req := httptest.NewRequestWithContext(t.Context(), method, "/", nil)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	c := echo.New().NewContext(req, r.ResponseRecorder)
	r.err = New(Limits{}).Send(c, func(context.Context) (Found, error) {
		return Found{Account: "AC1", ID: "EX1", Left: time.Hour, Open: func(context.Context, bool) (File, error) { return open(c, r, o) }}, nil
	})
	return r
}

// open opens the text and describes it.
func open(c echo.Context, r *result, o options) (File, error) {
	Describe(c.Response().Header(), "text/plain", "digits.txt", strings.Trim(etag, `"`))
	file := &content{strings.NewReader(text), o.failAt, &r.closed}
	f := File{
		Content: file, Object: object{&r.closed}, Size: int64(len(text)), Modified: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC),
		BeforeSend: func(offset int64, whole bool) error {
			r.committed = r.committed || c.Response().Committed
			r.audited, r.whole = append(r.audited, offset), append(r.whole, whole)
			return o.auditErr
		},
	}
	if o.unbuffered {
		f.Content = direct{file}
	}
	return f, nil
}

func TestAFileIsSentWholeOrInARange(t *testing.T) {
	t.Parallel()
	for _, unbuffered := range []bool{false, true} {
		o := options{failAt: -1, unbuffered: unbuffered}
		for _, c := range []struct {
			header []string
			status int
			body   string
			offset int64
		}{
			{nil, 200, text, 0},
			{[]string{"Range", "bytes=2-4"}, 206, "234", 2},
			{[]string{"Range", "bytes=7-"}, 206, "789", 7},
			{[]string{"Range", "bytes=-2"}, 206, "89", 8},
			{[]string{"Range", "bytes=2-4", "If-Range", etag}, 206, "234", 2},
			{[]string{"Range", "bytes=2-4", "If-Range", `"another"`}, 200, text, 0},
			{[]string{"Range", "bytes=2-4", "If-Range", "Mon, 02 Mar 2026 00:00:00 GMT"}, 200, text, 0},
			{[]string{"Range", "bytes=0-1,4-5"}, 200, text, 0},
			{[]string{"Range", "lines=0-1"}, 200, text, 0},
			{[]string{"If-Match", etag}, 200, text, 0},
		} {
			r := request(t, http.MethodGet, o, c.header...)
			require.NoError(t, r.err)
			require.Equal(t, c.status, r.Code, "%q", c.header)
			require.Equal(t, c.body, r.Body.String(), "%q", c.header)
			require.Equal(t, []int64{c.offset}, r.audited, "%q", c.header)
			require.False(t, r.committed, "the audit comes first")
			require.Equal(t, []bool{c.status == 200}, r.whole)
			require.Equal(t, etag, r.Header().Get("ETag"))
			require.Equal(t, `attachment; filename="digits.txt"`, r.Header().Get("Content-Disposition"))
			require.Equal(t, "sha-256=:hNiYd/DUBB77a/kaFvAkjy/Vc+avBcGflr7bn4gveII=:", r.Header().Get("Repr-Digest"))
			require.Equal(t, []string{"content", "object"}, r.closed)
		}
	}
	require.Equal(t, "10", request(t, http.MethodGet, options{failAt: -1}).Header().Get("Content-Length"))
}

func TestWhatSendsNoByteIsNotAudited(t *testing.T) {
	t.Parallel()
	o := options{failAt: -1}
	head := request(t, http.MethodHead, o)
	require.NoError(t, head.err)
	require.Equal(t, http.StatusOK, head.Code)
	require.Equal(t, "10", head.Header().Get("Content-Length"))
	unchanged := request(t, http.MethodGet, o, "If-None-Match", etag)
	require.NoError(t, unchanged.err)
	require.Equal(t, http.StatusNotModified, unchanged.Code)
	require.Equal(t, etag, unchanged.Header().Get("ETag"))
	for _, r := range []*result{head, unchanged} {
		require.Empty(t, r.audited)
		require.Empty(t, r.Body.String())
		require.Equal(t, []string{"content", "object"}, r.closed)
	}
}

func TestHTTPErrorsAreLeftToTheCaller(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		header []string
	}{
		{416, []string{"Range", "bytes=10-"}}, {416, []string{"Range", "bytes=5-2"}}, {412, []string{"If-Match", `"another"`}},
	} {
		status, header := c.status, c.header
		r := request(t, http.MethodGet, options{failAt: -1}, header...)
		var raised *echo.HTTPError
		require.ErrorAs(t, r.err, &raised)
		require.Equal(t, status, raised.Code)
		require.Empty(t, r.Body.String())
		require.Empty(t, r.audited)
		require.Equal(t, status == 416, r.Header().Get("Content-Range") == "bytes */10")
		requireNoFileHeaders(t, r)
	}
}

func requireNoFileHeaders(t *testing.T, r *result) {
	t.Helper()
	for _, name := range []string{"ETag", "Content-Disposition", "Content-Length", "Last-Modified", "Accept-Ranges", "Repr-Digest", "Content-Encoding"} {
		require.Empty(t, r.Header().Get(name), name)
	}
}

func TestWithoutTheAuditNothingIsSent(t *testing.T) {
	t.Parallel()
	for _, unbuffered := range []bool{false, true} {
		for _, header := range [][]string{nil, {"Range", "bytes=2-4"}} {
			r := request(t, http.MethodGet, options{failAt: -1, auditErr: errBroken, unbuffered: unbuffered}, header...)
			require.ErrorIs(t, r.err, errBroken)
			require.Empty(t, r.Body.String())
			require.False(t, r.Flushed)
			require.Empty(t, r.Header().Get("Content-Range"))
			requireNoFileHeaders(t, r)
		}
	}
}

func TestAnErrorOfReadingIsReturned(t *testing.T) {
	t.Parallel()
	for _, unbuffered := range []bool{false, true} {
		r := request(t, http.MethodGet, options{failAt: 0, unbuffered: unbuffered})
		require.ErrorIs(t, r.err, errBroken)
		require.Empty(t, r.audited, "before the first byte, nothing is audited")
		require.Empty(t, r.Body.String())
		requireNoFileHeaders(t, r)

		r = request(t, http.MethodGet, options{failAt: 4, unbuffered: unbuffered})
		require.ErrorIs(t, r.err, errBroken, "so that the connection is aborted")
		require.Equal(t, text[:4], r.Body.String())
	}
}

func TestAFileThatCannotBeOpenedIsNotSent(t *testing.T) {
	t.Parallel()
	c := echo.New().NewContext(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), httptest.NewRecorder())
	gone := schema.Errorf(schema.Gone, "expired", "Gone.")
	require.Equal(t, gone, New(Limits{}).Send(c, func(context.Context) (Found, error) { return Found{}, gone }))
	require.False(t, c.Response().Committed)
}

// fakeVault fails.
type fakeVault struct{ unwrapErr, openErr error }

func (f fakeVault) Unwrap(_ context.Context, wrapped []byte, account, id string) (vault.Identity, error) {
	if string(wrapped) != "wrapped" || account != "AC1" || id != "EX1" {
		return vault.Identity{}, errors.New("another key")
	}
	return vault.Identity{}, f.unwrapErr
}

func (f fakeVault) OpenAt(_ context.Context, key string, _ vault.Identity) (*vault.Reader, error) {
	if key != "the key" {
		return nil, errors.New("another object")
	}
	return nil, f.openErr
}

func TestAnObjectThatIsNotInTheBucketIsGone(t *testing.T) {
	t.Parallel()
	gone := schema.Errorf(schema.Gone, "expired", "Gone.")
	var exists error
	o := Object{Kind: "export", Account: "AC1", ID: "EX1", Wrapped: []byte("wrapped"), Key: "the key", Exists: func(context.Context) error { return exists }}

	_, err := o.Open(t.Context(), fakeVault{openErr: vault.ErrNotFound}, false)
	require.ErrorIs(t, err, vault.ErrNotFound)
	require.Equal(t, schema.Gone, schema.KindOf(err))
	exists = gone
	_, err = o.Open(t.Context(), fakeVault{openErr: vault.ErrNotFound}, false)
	require.Equal(t, error(gone), err)

	for _, v := range []fakeVault{{unwrapErr: errBroken}, {openErr: errBroken}} {
		_, err = o.Open(t.Context(), v, false)
		require.ErrorIs(t, err, errBroken)
		require.ErrorContains(t, err, "export EX1")
	}
}
