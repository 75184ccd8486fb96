package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/require"
)

const (
	issuer   = "https://app.company.example.com"
	audience = "satchel"
)

// host is a host application, which signs in its users.
type host struct {
	url    string // of its JSON Web Key Set
	signer jose.Signer
}

func newHost(t *testing.T) host {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "1"}}, nil)
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "1", Algorithm: "ES256", Use: "sig"}}})
	}))
	t.Cleanup(server.Close)
	return host{url: server.URL, signer: signer}
}

func (h host) token(t *testing.T, account, user string) string {
	t.Helper()
	now := time.Now()
	token, err := jwt.Signed(h.signer).Claims(jwt.Claims{
		Issuer: issuer, Audience: jwt.Audience{audience}, Subject: user,
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(time.Hour)),
	}).Claims(map[string]any{"account_sid": account}).Serialize()
	require.NoError(t, err)
	return token
}
