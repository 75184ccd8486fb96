package vault

import (
	"bytes"
	"encoding/pem"
	"io"
	"log"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

// Over TLS the SDK sends bodies in another encoding than over plain HTTP.
func TestTLSWithAPrivateCertificateAuthority(t *testing.T) {
	c := testConfig(t)
	to, err := url.Parse(c.Endpoint)
	require.NoError(t, err)
	front := httptest.NewUnstartedServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = to.Scheme, to.Host, r.In.Host
	}})
	front.Config.ErrorLog = log.New(io.Discard, "", 0) // of the rejected handshake
	front.StartTLS()
	t.Cleanup(front.Close)
	c.Endpoint = front.URL

	v, _ := interceptedVault(t, c, time.Minute)
	require.ErrorContains(t, v.Check(t.Context()), "certificate")

	authority := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw}), 0o600))
	t.Setenv("AWS_CA_BUNDLE", authority)
	v, _ = interceptedVault(t, c, time.Minute)
	require.NoError(t, v.Check(t.Context()))
	e := newExport(t, v)
	for _, size := range []int{0, 1000, partSize + 100_000} {
		body := randomBytes(size)
		require.NoError(t, v.Put(t.Context(), e.prefix+"calls/1-1", e.recipient, body))
		_, err := v.Create(t.Context(), e.prefix+"archive", e.recipient, writeAll(body))
		require.NoError(t, err)
		for _, key := range []string{"calls/1-1", "archive"} {
			got, err := readAll(t, v, e.prefix+key, e.identity)
			require.NoError(t, err)
			require.True(t, bytes.Equal(body, got))
		}
		removed, err := v.Remove(t.Context(), e.prefix)
		require.NoError(t, err)
		require.Equal(t, schema.Certificate{Objects: 2}, removed)
	}
}
