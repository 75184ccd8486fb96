package api_test

import (
	"io"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/server/api"
	"satchel/server/download"
)

// within serves the file by an API whose downloads have these limits.
func (f *file) within(l download.Limits) {
	f.api = api.New(api.Deps{Store: f.store, Vault: f.vault, Temporal: f.temporal, Site: "https://export.example.com", Downloads: download.New(l)})
	f.url = f.serve(time.Minute)
}

// start begins a download and reads its first byte. The client takes no more.
func (f *file) start(change ...func(*http.Request)) *http.Response {
	f.t.Helper()
	res := f.open(f.owner, http.MethodGet, f.path, change...)
	f.t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode == http.StatusOK {
		_, err := io.ReadFull(res.Body, make([]byte, 1))
		require.NoError(f.t, err)
	}
	return res
}

func TestManySlowDownloadsTakeBoundedMemoryAndOthersAreAnswered(t *testing.T) {
	f := newFile(t, 24<<20) // more than the buffers of a connection
	const memory = 80 << 20 // of one account: as much is left for others
	f.within(download.Limits{PerFile: 1000, PerAccount: 1000, Memory: 2 * memory})
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapInuse)
	}
	before := heap()
	statuses := map[int]int{}
	for i := range 150 {
		form := f.forms()[i%2]
		statuses[f.start(form.ask).StatusCode]++
	}
	require.Greater(t, statuses[http.StatusOK], 20)
	require.Positive(t, statuses[http.StatusTooManyRequests])
	require.Equal(t, 150, statuses[http.StatusOK]+statuses[http.StatusTooManyRequests])
	require.Less(t, heap()-before, int64(memory*3/2), "with the connections of this test's client")
	require.Equal(t, http.StatusOK, f.send(f.owner, http.MethodGet, exports+"/"+f.id).status)

	refused := f.send(f.owner, http.MethodGet, f.path)
	requireProblem(t, refused, http.StatusTooManyRequests, schema.CodeTooManyDownloads)
	require.Equal(t, "30", refused.header.Get("Retry-After"))
}

func TestADownloadUnderWayEndsWhenItsArchiveIsDeleted(t *testing.T) {
	t.Parallel()
	f := newFile(t, 24<<20)
	f.within(download.Limits{CheckEvery: 50 * time.Millisecond})
	for _, form := range f.forms()[:1] {
		res := f.start(form.ask)
		require.Equal(t, http.StatusOK, res.StatusCode)
		f.exec(`delete from satchel.export_keys`)
		eventually(t, "nothing more is sent", func() bool {
			_, err := io.CopyN(io.Discard, res.Body, 64<<10)
			return err != nil && err != io.EOF
		})
	}
}
