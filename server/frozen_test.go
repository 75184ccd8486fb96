package main

import (
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/directory/demo"
	"satchel/schema/store"
	"satchel/schema/store/source"
)

// withFreezer gives the world a way to its database that can be frozen:
// connections are taken and kept, and nothing comes back.
func withFreezer(frozen *atomic.Bool) change {
	return func(w *world) {
		at, err := url.Parse(w.settings.DatabaseURL)
		require.NoError(w.t, err)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(w.t, err)
		w.t.Cleanup(func() { _ = l.Close() })
		there := at.Host
		at.Host = l.Addr().String()
		pass := func(to, from net.Conn) {
			defer to.Close()   //nolint:errcheck // it is over
			defer from.Close() //nolint:errcheck // it is over
			buf := make([]byte, 32<<10)
			for {
				n, err := from.Read(buf)
				if err != nil {
					return
				}
				if !frozen.Load() {
					_, _ = to.Write(buf[:n])
				}
			}
		}
		go func() {
			for {
				in, err := l.Accept()
				if err != nil {
					return
				}
				out, err := net.Dial("tcp", there)
				if err != nil {
					_ = in.Close()
					continue
				}
				go pass(out, in)
				go pass(in, out)
			}
		}()
		require.NoError(w.t, w.deps.store.Close())
		require.NoError(w.t, w.deps.source.Close())
		w.deps.store, err = store.Open(at.String(), 5)
		require.NoError(w.t, err)
		w.deps.source, err = source.Open(w.t.Context(), at.String(), 5)
		require.NoError(w.t, err)
		w.deps.directory = w.deps.source.Directory(source.DirectoryQueries{
			People: w.deps.catalog.People(), Account: w.deps.catalog.Account(), Credentials: w.deps.catalog.Credentials(),
		})
		w.deps.devDirectory = w.deps.source.Directory(source.DirectoryQueries{People: demo.People})
	}
}

func TestEverythingAnswersInTimeWhileTheDatabaseIsFrozen(t *testing.T) {
	t.Parallel()
	var frozen atomic.Bool
	w := newWorld(t, withFreezer(&frozen))
	v := w.as(w.owner)
	frozen.Store(true)
	for _, path := range []string{
		"/settings/data-export", "/settings/data-export/" + schema.NewExportID() + "/file", "/sign-out", "/readyz",
		"/v1/account/exports", "/v1/account/exports/" + schema.NewExportID() + "/events", "/schemas/account-export-1.0.json",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			var a answer
			if path == "/sign-out" {
				a = v.post(path, nil)
			} else {
				a = v.get(path)
			}
			require.Equal(t, http.StatusServiceUnavailable, a.status, a.body)
			require.NotEmpty(t, a.header.Get("Retry-After"))
			require.Less(t, time.Since(began), 25*time.Second)
		})
	}
}
