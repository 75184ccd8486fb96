package download

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"satchel/activities/vault"
	"satchel/schema"
	"satchel/server/limit"
	"satchel/server/respond"
)

// endless is a file that never ends.
type endless struct{ at int64 }

const endlessSize = 1 << 40

func (e *endless) Read(p []byte) (int, error) { e.at += int64(len(p)); return len(p), nil }

func (e *endless) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekEnd {
		offset += endlessSize
	}
	e.at = offset
	return offset, nil
}

func (e *endless) Close() error { return nil }

// serve serves endless files at /AC…/file, found as change says.
func serve(t *testing.T, l Limits, change func(c echo.Context, f *Found)) (url string, d *Downloads) {
	t.Helper()
	d = New(l)
	e := echo.New()
	e.HTTPErrorHandler = func(err error, c echo.Context) { _ = respond.Problem(c, err) }
	e.GET("/:account/:file", func(c echo.Context) error {
		return d.Send(c, func(context.Context) (Found, error) {
			f := Found{Account: c.Param("account"), ID: c.Param("file"), Left: time.Hour, Open: func(context.Context, bool) (File, error) {
				return File{Content: new(endless), Object: io.NopCloser(nil), Size: endlessSize, BeforeSend: func(int64, bool) error { return nil }}, nil
			}}
			if change != nil {
				change(c, &f)
			}
			return f, nil
		})
	})
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	return server.URL, d
}

// start begins a download and reads its first byte. The client takes no more.
func start(t *testing.T, url string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	res, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode == http.StatusOK {
		_, err = io.ReadFull(res.Body, make([]byte, 1))
		require.NoError(t, err)
	}
	return res
}

func TestDownloadsOfOneFileAndOfOneAccountAreBoundedAndOthersGoOn(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, Limits{PerFile: 2, PerAccount: 3}, nil)
	before := limit.Met(limit.FileDownloads)
	first := start(t, url+"/AC1/a")
	require.Equal(t, http.StatusOK, first.StatusCode)
	require.Equal(t, http.StatusOK, start(t, url+"/AC1/a").StatusCode)
	refused := start(t, url+"/AC1/a")
	require.Equal(t, http.StatusTooManyRequests, refused.StatusCode)
	require.Equal(t, "30", refused.Header.Get("Retry-After"))
	require.Greater(t, limit.Met(limit.FileDownloads), before)
	body, err := io.ReadAll(refused.Body)
	require.NoError(t, err)
	require.Contains(t, string(body), schema.CodeTooManyDownloads)

	require.Equal(t, http.StatusOK, start(t, url+"/AC1/b").StatusCode)
	require.Equal(t, http.StatusTooManyRequests, start(t, url+"/AC1/c").StatusCode, "of the account")
	require.Equal(t, http.StatusOK, start(t, url+"/AC2/d").StatusCode, "another account")

	require.NoError(t, first.Body.Close()) // the client leaves
	require.Eventually(t, func() bool { return start(t, url+"/AC1/c").StatusCode == http.StatusOK }, 10*time.Second, 10*time.Millisecond)
}

func TestDownloadsTakeBoundedMemoryAndTheFirstOfAnAccountAreFast(t *testing.T) {
	t.Parallel()
	d := New(Limits{Memory: 64 << 20})
	full, lean := 0, 0
	for i := range 1000 { // one of each account
		isLean, _, err := d.begin(Found{Account: "AC" + string(rune(i)), ID: "EX" + string(rune(i))}, false)
		switch {
		case err != nil:
			require.Equal(t, schema.Limited, schema.KindOf(err))
		case isLean:
			lean++
		default:
			full++
		}
	}
	require.Positive(t, full)
	require.LessOrEqual(t, full*vault.StreamMemory+lean*vault.LeanMemory, 64<<20)
	require.Greater(t, lean, 5*full, "much more can run in what is left")

	d = New(Limits{})
	for i := range DefaultPerAccount {
		isLean, _, err := d.begin(Found{Account: "AC1", ID: string(rune(i))}, false)
		require.NoError(t, err)
		require.Equal(t, i >= fullSpeed, isLean)
	}
}

func TestPartsOfAnInflatedFileAreBoundedAndOthersAreNot(t *testing.T) {
	t.Parallel()
	d := New(Limits{})
	part := func(f Found) error {
		_, end, err := d.begin(f, true)
		if err == nil {
			end()
		}
		return err
	}
	limited := 0
	for range 1000 {
		if part(Found{Account: "AC1", ID: "EX1", Inflated: true}) != nil {
			limited++
		}
		require.NoError(t, part(Found{Account: "AC1", ID: "EX1"}), "as it is stored")
	}
	require.Greater(t, limited, 500)
	_, end, err := d.begin(Found{Account: "AC1", ID: "EX1", Inflated: true}, false)
	require.NoError(t, err, "the whole file")
	end()
	require.NoError(t, part(Found{Account: "AC2", ID: "EX2", Inflated: true}))
}

func TestADownloadUnderWayEndsAWhileAfterItsFileHasExpired(t *testing.T) {
	t.Parallel()
	url, d := serve(t, Limits{CheckEvery: time.Hour, Grace: 2 * time.Second}, func(_ echo.Context, f *Found) { f.Left = time.Millisecond })
	for _, slow := range []bool{false, true} {
		res := start(t, url+"/AC1/a")
		require.Equal(t, http.StatusOK, res.StatusCode)
		if slow { // the server waits for the client when the time comes
			require.Eventually(t, func() bool { return d.account.Count("AC1") == 0 }, 30*time.Second, time.Millisecond)
		}
		_, err := io.Copy(io.Discard, res.Body)
		require.Error(t, err, "the client sees that the file is not whole")
	}
}

func TestADownloadEndsWhenItsClientMayNoLongerHaveIt(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"role":    schema.Errorf(schema.Forbidden, schema.CodeRole, "No."),
		"revoked": schema.Errorf(schema.Unauthenticated, schema.CodeUnauthenticated, "No."),
		"deleted": schema.Errorf(schema.Gone, schema.CodeGone, "No."),
	} {
		var lost atomic.Bool
		url, d := serve(t, Limits{CheckEvery: 10 * time.Millisecond}, func(_ echo.Context, f *Found) {
			f.StillAllowed = []func(context.Context) error{
				func(context.Context) error { return schema.Errorf(schema.Unavailable, schema.CodeUnavailable, "Away.") },
				func(context.Context) error {
					if lost.Load() {
						return err
					}
					return nil
				},
			}
		})
		res := start(t, url+"/AC1/a")
		_, readErr := io.CopyN(io.Discard, res.Body, 64<<20)
		require.NoError(t, readErr, "while what decides it is away, it goes on")
		lost.Store(true)
		_, readErr = io.Copy(io.Discard, res.Body)
		require.Error(t, readErr, name)
		require.Eventually(t, func() bool { return d.account.Count("AC1") == 0 }, 10*time.Second, time.Millisecond, "nothing is left of it")
	}
}

func TestAFailedDownloadGivesBackWhatItTook(t *testing.T) {
	t.Parallel()
	url, d := serve(t, Limits{PerFile: 1}, func(c echo.Context, f *Found) {
		if strings.HasPrefix(f.ID, "broken") {
			f.Open = func(context.Context, bool) (File, error) { return File{}, errors.New("broken") }
		}
	})
	for range 3 {
		require.Equal(t, http.StatusInternalServerError, start(t, url+"/AC1/broken").StatusCode)
	}
	require.Zero(t, d.account.Count("AC1"))
	require.Zero(t, d.file.Count("broken"))
	require.True(t, d.memory.Plenty(DefaultMemory/2))
}

func TestAWholeFileIsCountedHoweverItWasRequested(t *testing.T) {
	t.Parallel()
	var rows atomic.Int64
	url, _ := serve(t, Limits{}, func(c echo.Context, f *Found) {
		f.Open = func(context.Context, bool) (File, error) {
			c.Response().Header().Set("ETag", `"now"`)
			return File{
				Content: short{strings.NewReader("text")}, Object: io.NopCloser(nil), Size: 4,
				BeforeSend: func(int64, bool) error { rows.Add(1); return nil },
			}, nil
		}
	})
	refused := 0
	for range 200 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/AC1/a", nil)
		require.NoError(t, err)
		req.Header.Set("Range", "bytes=0-")
		req.Header.Set("If-Range", `"another version"`)
		res, err := http.DefaultTransport.RoundTrip(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		if res.StatusCode == http.StatusTooManyRequests {
			refused++
			require.Empty(t, res.Header.Get("ETag"))
			continue
		}
		require.Equal(t, http.StatusOK, res.StatusCode)
	}
	require.Greater(t, refused, 50)
	require.EqualValues(t, 200-refused, rows.Load(), "each is a row of the audit trail")
}

// short is a small file.
type short struct{ *strings.Reader }

func (short) Close() error { return nil }

func TestAnAccountWithManySubaccountsLeavesDownloadsToOthers(t *testing.T) {
	t.Parallel()
	d := New(Limits{Memory: 64 << 20})
	refused := 0
	for i := range 1000 { // one of each subaccount
		if _, _, err := d.begin(Found{Account: "AC" + string(rune(i)), Owner: "AC-parent", ID: "EX" + string(rune(i))}, false); err != nil {
			require.Equal(t, schema.Limited, schema.KindOf(err))
			refused++
		}
	}
	require.Positive(t, refused)
	for i := range 4 {
		_, _, err := d.begin(Found{Account: "AC-other", Owner: "AC-other", ID: string(rune(i))}, false)
		require.NoError(t, err)
	}
}
