package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"satchel/schema"
)

// Host is the application that Satchel is part of. It vouches for its people
// with JWTs.
type Host struct {
	JWKSURL  string // where its public keys are
	Issuer   string // "iss" of its tokens
	Audience string // we, in "aud" of its tokens
}

type host struct {
	keys     oidc.KeySet
	issuer   string
	settings oidc.Config
}

// algorithms are the only ones a token may be signed by. Those with a shared
// secret, and none at all, are not among them.
var algorithms = []string{oidc.RS256, oidc.ES256, oidc.EdDSA}

func newHost(h Host, now func() time.Time) *host {
	ctx := oidc.ClientContext(context.Background(), newKeysClient(now))
	return &host{
		keys:     oidc.NewRemoteKeySet(ctx, h.JWKSURL),
		issuer:   h.Issuer,
		settings: oidc.Config{ClientID: h.Audience, SupportedSigningAlgs: algorithms, Now: now},
	}
}

// byToken lets in whom the host application vouches for, and tells until when.
// A token says who somebody is; what they may do is the directory's to say.
func (a *Auth) byToken(ctx context.Context, raw string) (*known, time.Time, error) {
	if a.host == nil {
		return nil, time.Time{}, schema.Errorf(schema.Unauthenticated, "unauthenticated", "Bearer tokens are not accepted here.")
	}
	token, account, err := a.host.verify(ctx, raw)
	if err != nil {
		return nil, time.Time{}, err
	}
	who, err := a.lookUp(ctx, account, token.Subject, Bearer)
	if err != nil {
		return nil, time.Time{}, err
	}
	return who, token.Expiry, who.refused
}

// verify checks signature, issuer, audience and times. Why a token is refused
// is not for its bearer to know, except that it has run out.
func (h *host) verify(ctx context.Context, raw string) (token *oidc.IDToken, account string, err error) {
	keys := &witness{KeySet: h.keys}
	token, err = oidc.NewVerifier(h.issuer, keys, &h.settings).Verify(ctx, raw)
	var ranOut *oidc.TokenExpiredError
	switch {
	case errors.Is(keys.err, errKeysAway):
		away := schema.Errorf(schema.Unavailable, "sign_in_unavailable", "We cannot check sign-ins right now. Please try again.")
		away.RetryAfter, away.Cause = patience, errKeysAway
		return nil, "", away
	case errors.As(err, &ranOut):
		return nil, "", schema.Errorf(schema.Unauthenticated, "token_expired", "The token has expired.")
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
	err := schema.Errorf(schema.Unauthenticated, "unauthenticated", "The token is not valid.")
	err.Cause = cause
	return err
}

// witness keeps the error of one check of a signature, of which the verifier
// keeps only the text.
type witness struct {
	oidc.KeySet
	err error
}

func (w *witness) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := w.KeySet.VerifySignature(ctx, jwt)
	w.err = err
	return payload, err
}
