package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"regexp"

	"satchel/schema"
)

// username matches the name of a credential: an account SID or an API key.
var username = regexp.MustCompile(`^(AC|SK)[0-9a-f]{32}$`)

// identifyBasic authenticates by the secret of an account or API key. Secrets
// are long and random, so a plain hash protects them. An unknown name takes the
// same path as a wrong secret.
func (a *Auth) identifyBasic(r *http.Request) (*identity, error) {
	name, secret, ok := r.BasicAuth()
	if !ok {
		return nil, wrongSecret()
	}
	credential, err := a.credential(r.Context(), name, secret)
	if err != nil {
		return nil, err
	}
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
	return &wrongError{schema.Errorf(schema.Unauthenticated, schema.CodeUnauthenticated, "The user name or secret is wrong.")}
}
