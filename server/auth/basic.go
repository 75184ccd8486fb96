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

// username matches the name of a credential: an account SID or an API key.
var username = regexp.MustCompile(`^(AC|SK)[0-9a-f]{32}$`)

// identifyBasic authenticates by the secret of an account or API key. Secrets
// are long and random, so a plain hash protects them. An unknown name takes the
// same path as a wrong secret.
func (a *Auth) identifyBasic(r *http.Request, address string) (*identity, error) {
	name, secret, ok := r.BasicAuth()
	if !ok {
		return nil, wrongSecret()
	}
	counted := username.MatchString(name) // failures with other names are counted by address only
	if wait := a.credentialFailures.Wait(name); counted && wait > 0 && !a.knownClients.has(name, address) {
		return nil, tooManyFailures(wait)
	}
	credential, err := a.credential(r.Context(), name, secret)
	if schema.KindOf(err) == schema.Unauthenticated && counted {
		a.credentialFailures.Take(name)
	}
	if err != nil {
		return nil, err
	}
	a.knownClients.add(name, address)
	return identityOf(name, credential)
}

// credential reads the credential with this name and secret. The error is
// Unauthenticated where there is none.
func (a *Auth) credential(ctx context.Context, name, secret string) (credential schema.Credential, err error) {
	if username.MatchString(name) {
		if credential, err = a.directory.Credential(ctx, name); err != nil && schema.KindOf(err) != schema.NotFound {
			return credential, err
		}
	}
	sum := sha256.Sum256([]byte(secret))
	expected := credential.SecretSHA256
	if len(expected) != sha256.Size {
		expected = dummyHash
	}
	if subtle.ConstantTimeCompare(sum[:], expected) != 1 {
		return credential, wrongSecret()
	}
	return credential, nil
}

// dummyHash is compared with where there is no credential, so that an unknown
// name takes as long as a wrong secret. No secret with this hash is known.
var dummyHash = make([]byte, sha256.Size)

// identityOf returns the identity of a client that knows a credential's secret.
func identityOf(name string, c schema.Credential) (*identity, error) {
	if c.Suspended {
		return nil, suspended()
	}
	return &identity{Principal: Principal{Account: c.Account, User: c.User, Role: c.Role, Method: Basic, Credential: name}}, nil
}

func wrongSecret() error {
	return schema.Errorf(schema.Unauthenticated, schema.CodeUnauthenticated, "The user name or secret is wrong.")
}

// knownClients remembers for an hour from which addresses a credential was used
// successfully. They are exempt from the limit on failures with its name, so
// that an attacker who guesses secrets cannot lock out the owner.
type knownClients struct {
	now  func() time.Time
	mu   sync.Mutex
	seen map[knownClient]time.Time
}

type knownClient struct{ credential, address string }

const (
	knownClientLife = time.Hour
	maxKnownClients = 10_000
)

func newKnownClients(now func() time.Time) *knownClients {
	return &knownClients{now: now, seen: map[knownClient]time.Time{}}
}

func (k *knownClients) has(credential, address string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	at, ok := k.seen[knownClient{credential, address}]
	return ok && k.now().Sub(at) < knownClientLife
}

func (k *knownClients) add(credential, address string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.seen) >= maxKnownClients {
		clear(k.seen)
	}
	k.seen[knownClient{credential, address}] = k.now()
}
