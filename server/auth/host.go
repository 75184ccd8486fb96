package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"satchel/schema"
)

// Host is the application that Satchel is part of. Its people authenticate with
// its JWTs.
type Host struct {
	JWKSURL  string // of its public keys
	Issuer   string // "iss" of its tokens
	Audience string // "aud" of the tokens for Satchel
}

type host struct {
	keys   oidc.KeySet
	issuer string
	config oidc.Config
}

// algorithms are the signature algorithms that are accepted. HMAC, which has a
// shared secret, and "none" are not among them.
var algorithms = []string{oidc.RS256, oidc.ES256, oidc.EdDSA}

func newHost(h Host, now func() time.Time) *host {
	ctx := oidc.ClientContext(context.Background(), newKeysClient(now))
	return &host{
		keys:   oidc.NewRemoteKeySet(ctx, h.JWKSURL),
		issuer: h.Issuer,
		config: oidc.Config{ClientID: h.Audience, SupportedSigningAlgs: algorithms, Now: now},
	}
}

// identifyToken authenticates by a JWT, and returns when it expires. The token
// only says who the person is; their role is read from the directory.
func (a *Auth) identifyToken(ctx context.Context, raw string) (*identity, time.Time, error) {
	if a.host == nil {
		return nil, time.Time{}, schema.Errorf(schema.Unauthenticated, schema.CodeUnauthenticated, "Bearer tokens are not accepted here.")
	}
	token, account, err := a.host.verify(ctx, raw)
	if err != nil {
		return nil, time.Time{}, err
	}
	who, err := a.lookUp(ctx, account, token.Subject, Bearer)
	if err != nil {
		return nil, time.Time{}, err
	}
	return who, token.Expiry, who.denial
}

// verify checks signature, issuer, audience and times. The error does not say
// why a token is invalid, except that it has expired.
func (h *host) verify(ctx context.Context, raw string) (token *oidc.IDToken, account string, err error) {
	keys := &recordingKeySet{KeySet: h.keys}
	token, err = oidc.NewVerifier(h.issuer, keys, &h.config).Verify(ctx, raw)
	var expired *oidc.TokenExpiredError
	switch {
	case errors.Is(keys.err, errKeysUnavailable):
		unavailable := schema.Errorf(schema.Unavailable, schema.CodeSignInUnavailable, "Sign-in is not available right now. Please try again in a moment.")
		unavailable.RetryAfter, unavailable.Cause = minFetchInterval, errKeysUnavailable
		return nil, "", unavailable
	case errors.As(err, &expired):
		return nil, "", schema.Errorf(schema.Unauthenticated, schema.CodeTokenExpired, "The token has expired.")
	case err != nil:
		return nil, "", badToken(nil)
	}
	var claims struct {
		Account string `json:"account_sid"`
	}
	if err := token.Claims(&claims); err != nil {
		return nil, "", badToken(fmt.Errorf("read claims: %T", err))
	}
	if !schema.IsUserID(token.Subject) || !schema.IsAccountID(claims.Account) {
		return nil, "", badToken(errors.New("sub or account_sid is not an ID"))
	}
	return token, claims.Account, nil
}

func badToken(cause error) error {
	err := schema.Errorf(schema.Unauthenticated, schema.CodeUnauthenticated, "The token is not valid.")
	err.Cause = cause
	return &wrongError{err}
}

// recordingKeySet keeps the error of verifying one signature. The verifier
// keeps only its text.
type recordingKeySet struct {
	oidc.KeySet
	err error
}

func (r *recordingKeySet) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := r.KeySet.VerifySignature(ctx, jwt)
	r.err = err
	return payload, err
}
