package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"satchel/schema"
)

// minFetchInterval is the least time between two fetches of the host's keys, so
// that a flood of tokens with unknown keys does not become a flood of fetches.
const minFetchInterval = 10 * time.Second

var errKeysUnavailable = errors.New("the host application's keys cannot be read")

// keysTransport fetches the host's keys at most once per minFetchInterval, and
// answers with the last response in between.
type keysTransport struct {
	next http.RoundTripper
	now  func() time.Time

	mu   sync.Mutex
	at   time.Time
	keys []byte // nil where the last fetch failed
}

func newKeysClient(now func() time.Time) *http.Client {
	return &http.Client{
		Transport:     &keysTransport{next: http.DefaultTransport, now: now},
		Timeout:       5 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// RoundTrip returns the keys, or errKeysUnavailable.
func (k *keysTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now := k.now(); k.at.IsZero() || now.Sub(k.at) >= minFetchInterval {
		k.at, k.keys = now, k.fetch(req)
	}
	if k.keys == nil {
		return nil, errKeysUnavailable
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/jwk-set+json"}}, Body: io.NopCloser(bytes.NewReader(k.keys)), Request: req,
	}, nil
}

func (k *keysTransport) fetch(req *http.Request) []byte {
	res, err := k.next.RoundTrip(req)
	if err != nil {
		return nil
	}
	defer res.Body.Close() //nolint:errcheck // it was only read
	return readKeys(res)
}

// readKeys returns the set of keys in a response, or nil where it has none.
func readKeys(res *http.Response) []byte {
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err != nil || res.StatusCode != http.StatusOK || json.Unmarshal(text, &set) != nil || len(set.Keys) == 0 {
		return nil
	}
	return text
}

// CheckKeys returns a check that the host's keys can be fetched. Once they were, the
// setting is right, and it succeeds: people with known keys can sign in while the host
// is away.
func CheckKeys(jwksURL string) func(context.Context) error {
	client := &http.Client{
		Timeout:       5 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	var fetched atomic.Bool
	return func(ctx context.Context) error {
		if fetched.Load() {
			return nil
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, jwksURL, nil)
		if err != nil {
			return err
		}
		res, err := client.Do(req)
		if err != nil {
			return &schema.Error{Kind: schema.Unavailable, Message: "The host application does not answer", Cause: err}
		}
		defer res.Body.Close() //nolint:errcheck // it was only read
		switch {
		case res.StatusCode >= http.StatusInternalServerError:
			return &schema.Error{Kind: schema.Unavailable, Message: "The host application does not answer", Cause: errors.New(res.Status)}
		case readKeys(res) == nil:
			return &schema.SetupError{Message: "JWKS_URL leads to no keys: it must be the address of the JSON Web Key Set that the host application signs its tokens with, without a redirect."}
		}
		fetched.Store(true)
		return nil
	}
}
