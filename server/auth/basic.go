package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"regexp"
	"sync"
	"time"

	"satchel/schema"
)

// username is what a credential may be called: an account SID or an API key.
var username = regexp.MustCompile(`^(AC|SK)[0-9a-f]{32}$`)

// bySecret lets in whoever knows the secret of an account or API key. Secrets
// are long and random, so a plain hash guards them. Unknown names go the same
// way as wrong secrets.
func (a *Auth) bySecret(r *http.Request, address string) (*known, error) {
	name, secret, ok := r.BasicAuth()
	if !ok {
		return nil, wrongSecret()
	}
	counted := username.MatchString(name) // what nobody is called is counted by its address alone
	if wait := a.failuresWith.Wait(name); counted && wait > 0 && !a.welcome.has(name, address) {
		return nil, tooManyFailures(wait)
	}
	credential, err := a.credential(r.Context(), name, secret)
	if schema.KindOf(err) == schema.Unauthenticated && counted {
		a.failuresWith.Take(name)
	}
	if err != nil {
		return nil, err
	}
	a.welcome.add(name, address)
	return holder(name, credential)
}

// credential finds what a name and its secret open. The error is
// Unauthenticated where they open nothing.
func (a *Auth) credential(ctx context.Context, name, secret string) (credential schema.Credential, err error) {
	if username.MatchString(name) {
		if credential, err = a.directory.Credential(ctx, name); err != nil && schema.KindOf(err) != schema.NotFound {
			return credential, err
		}
	}
	sum := sha256.Sum256([]byte(secret))
	if subtle.ConstantTimeCompare(sum[:], orNobodys(credential.SecretSHA256)) != 1 {
		return credential, wrongSecret()
	}
	return credential, nil
}

// holder is whoever knows the secret of a credential.
func holder(name string, c schema.Credential) (*known, error) {
	if c.Suspended {
		return nil, suspended()
	}
	return &known{Principal: Principal{Account: c.Account, User: c.User, Role: c.Role, Method: Basic, Credential: name}}, nil
}

// orNobodys makes sure that there is always a hash to compare with. No secret
// is known that has nobody's.
func orNobodys(sum []byte) []byte {
	if len(sum) != sha256.Size {
		return make([]byte, sha256.Size)
	}
	return sum
}

func wrongSecret() error {
	return schema.Errorf(schema.Unauthenticated, "unauthenticated", "The user name or secret is wrong.")
}

// welcome remembers for an hour which credentials were used from where, so
// that a stranger who tries wrong secrets can not lock out those who know the
// right one.
type welcome struct {
	now func() time.Time
	mu  sync.Mutex
	at  map[[2]string]time.Time
}

const (
	welcomeFor  = time.Hour
	welcomeMost = 10_000
)

func newWelcome(now func() time.Time) *welcome {
	return &welcome{now: now, at: map[[2]string]time.Time{}}
}

func (w *welcome) has(name, address string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	at, ok := w.at[[2]string{name, address}]
	return ok && w.now().Sub(at) < welcomeFor
}

func (w *welcome) add(name, address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.at) >= welcomeMost {
		clear(w.at)
	}
	w.at[[2]string{name, address}] = w.now()
}
