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

// wire stands between a vault and its bucket: it sees every request, and a
// test may answer one in the bucket's place.
type wire struct {
	next http.RoundTripper

	mu       sync.Mutex
	requests []*http.Request
	answer   func(q *http.Request, next http.RoundTripper) (*http.Response, error)
}

func (w *wire) RoundTrip(q *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.requests = append(w.requests, q)
	answer := w.answer
	w.mu.Unlock()
	if answer == nil {
		return w.next.RoundTrip(q)
	}
	return answer(q, w.next)
}

// answering lets the test answer requests from now on.
func (w *wire) answering(answer func(q *http.Request, next http.RoundTripper) (*http.Response, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = answer
}

// count forgets what was seen and returns how much it was.
func (w *wire) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() { w.requests = nil }()
	return len(w.requests)
}

// settings are a bucket of the test's own, with credentials in the environment.
func settings(t testing.TB) Config {
	t.Helper()
	b := testservices.Bucket(t)
	t.Setenv("AWS_ACCESS_KEY_ID", b.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", b.SecretKey)
	t.Setenv("AWS_REGION", b.Region)
	c := Config{Bucket: b.Bucket, Endpoint: b.Endpoint, KeysetFile: filepath.Join(t.TempDir(), "keyset.json")}
	require.NoError(t, WriteKeyset(c.KeysetFile))
	return c
}

func testVault(t testing.TB) (*Vault, *wire) {
	t.Helper()
	return wiredVault(t, settings(t), time.Minute)
}

func wiredVault(t testing.TB, c Config, patience time.Duration) (*Vault, *wire) {
	t.Helper()
	w := &wire{}
	v, err := open(t.Context(), c, nature{patience: patience, backoff: time.Millisecond, wire: func(next http.RoundTripper) http.RoundTripper {
		w.next = next
		return w
	}})
	require.NoError(t, err)
	t.Cleanup(func() { w.next.(*http.Transport).CloseIdleConnections() })
	return v, w
}

// export is one export's key and where its objects go.
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

// noise is size bytes that do not compress, the same for the same size.
func noise(size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(size)}).Read(b) // never fails
	return b
}

func writing(body []byte) func(io.Writer) error {
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

// raw is an object as the bucket holds it.
func raw(t testing.TB, v *Vault, key string) []byte {
	t.Helper()
	got, err := v.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &v.bucket, Key: &key})
	require.NoError(t, err)
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	require.NoError(t, err)
	return body
}

// noGoroutineStays fails the test if it leaves one behind.
func noGoroutineStays(t *testing.T, w *wire) {
	t.Helper()
	w.next.(*http.Transport).CloseIdleConnections()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		w.next.(*http.Transport).CloseIdleConnections()
		goleak.VerifyNone(t, before)
	})
}

var errTest = errors.New("the test said no")
