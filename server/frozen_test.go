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

// withFreezer puts a proxy before the database that can be frozen: it keeps
// connections open and answers nothing.
func withFreezer(frozen *atomic.Bool) change {
	return func(fx *fixture) {
		at, err := url.Parse(fx.settings.DatabaseURL)
		require.NoError(fx.t, err)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(fx.t, err)
		fx.t.Cleanup(func() { _ = l.Close() })
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
		require.NoError(fx.t, fx.deps.store.Close())
		require.NoError(fx.t, fx.deps.source.Close())
		fx.deps.store, err = store.Open(at.String(), 5)
		require.NoError(fx.t, err)
		fx.deps.source, err = source.Open(fx.t.Context(), at.String(), 5)
		require.NoError(fx.t, err)
		fx.deps.directory = fx.deps.source.Directory(source.DirectoryQueries{
			People: fx.deps.catalog.People(), Account: fx.deps.catalog.Account(), Credentials: fx.deps.catalog.Credentials(),
		})
		fx.deps.devDirectory = fx.deps.source.Directory(source.DirectoryQueries{People: demo.People})
	}
}

func TestEverythingAnswersInTimeWhileTheDatabaseIsFrozen(t *testing.T) {
	t.Parallel()
	var frozen atomic.Bool
	fx := newFixture(t, withFreezer(&frozen))
	v := fx.signedIn(fx.owner)
	frozen.Store(true)
	for _, path := range []string{
		"/settings/data-export", "/settings/data-export/" + schema.NewExportID() + "/file", "/sign-out", "/readyz",
		"/v1/account/exports", "/v1/account/exports/" + schema.NewExportID() + "/events", "/schemas/account-export-1.0.json",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			var a response
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
