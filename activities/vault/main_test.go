package vault

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"satchel/dev/testservices"
	"satchel/schema"
)

func TestMain(m *testing.M) { testservices.Main(m) }

// interceptor is the vault's HTTP transport. It records every request, and a test may
// answer requests instead of the bucket.
type interceptor struct {
	next http.RoundTripper

	mu       sync.Mutex
	requests []*http.Request
	respond  func(q *http.Request, next http.RoundTripper) (*http.Response, error)
}

func (w *interceptor) RoundTrip(q *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.requests = append(w.requests, q)
	respond := w.respond
	w.mu.Unlock()
	if respond == nil {
		return w.next.RoundTrip(q)
	}
	return respond(q, w.next)
}

// intercept lets respond handle all following requests; nil forwards them.
func (w *interceptor) intercept(respond func(q *http.Request, next http.RoundTripper) (*http.Response, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.respond = respond
}

// takeCount returns the number of requests since the last call.
func (w *interceptor) takeCount() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() { w.requests = nil }()
	return len(w.requests)
}

// testConfig creates a bucket for the test and sets its credentials in the environment.
func testConfig(t testing.TB) Config {
	t.Helper()
	b := testservices.Bucket(t)
	t.Setenv("AWS_ACCESS_KEY_ID", b.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", b.SecretKey)
	t.Setenv("AWS_REGION", b.Region)
	c := Config{Bucket: b.Bucket, Endpoint: b.Endpoint, KeysetFile: filepath.Join(t.TempDir(), "keyset.json")}
	require.NoError(t, WriteKeyset(c.KeysetFile))
	return c
}

func testVault(t testing.TB) (*Vault, *interceptor) {
	t.Helper()
	return interceptedVault(t, testConfig(t), time.Minute)
}

func interceptedVault(t testing.TB, c Config, idleTimeout time.Duration) (*Vault, *interceptor) {
	t.Helper()
	w := &interceptor{}
	v, err := open(t.Context(), c, resilience{idleTimeout: idleTimeout, maxBackoff: time.Millisecond, wrapTransport: func(next http.RoundTripper) http.RoundTripper {
		w.next = next
		return w
	}})
	require.NoError(t, err)
	t.Cleanup(func() { w.next.(*http.Transport).CloseIdleConnections() })
	return v, w
}

// export is one export's key and object prefix.
type export struct {
	id, prefix, recipient string
	identity              Identity
}

func newExport(t testing.TB, v *Vault) export {
	t.Helper()
	account, id := schema.NewAccountID(), schema.NewExportID()
	recipient, wrapped, err := v.NewKey(t.Context(), account, id)
	require.NoError(t, err)
	identity, err := v.Unwrap(t.Context(), wrapped, account, id)
	require.NoError(t, err)
	return export{id: id, prefix: schema.ObjectPrefix(id), recipient: recipient, identity: identity}
}

// randomBytes returns incompressible bytes, the same for the same size.
func randomBytes(size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(size)}).Read(b) // never fails
	return b
}

func writeAll(body []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(body)
		return err
	}
}

func keys(t testing.TB, v *Vault, prefix string) []string {
	t.Helper()
	var keys []string
	for o, err := range v.Keys(context.WithoutCancel(t.Context()), prefix) {
		require.NoError(t, err)
		keys = append(keys, o.Key)
	}
	return keys
}

func uploads(t testing.TB, v *Vault, prefix string) []Upload {
	t.Helper()
	var uploads []Upload
	for u, err := range v.Uploads(context.WithoutCancel(t.Context()), prefix) {
		require.NoError(t, err)
		uploads = append(uploads, u)
	}
	return uploads
}

// raw returns an object's stored bytes.
func raw(t testing.TB, v *Vault, key string) []byte {
	t.Helper()
	got, err := v.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &v.bucket, Key: &key})
	require.NoError(t, err)
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	require.NoError(t, err)
	return body
}

// requireNoLeakedGoroutines fails the test if it leaves a goroutine running.
func requireNoLeakedGoroutines(t *testing.T, w *interceptor) {
	t.Helper()
	w.next.(*http.Transport).CloseIdleConnections()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		w.next.(*http.Transport).CloseIdleConnections()
		goleak.VerifyNone(t, before)
	})
}

var errTest = errors.New("an error of the test")
