package auth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"satchel/server/auth"
)

// issuer is a host application that issues JWTs.
type issuer struct {
	t       *testing.T
	url     string
	keys    map[jose.SignatureAlgorithm]crypto.Signer
	fetches atomic.Int64
	failing atomic.Bool
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	byRSA, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	byEC, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	_, byEd, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	i := &issuer{t: t, keys: map[jose.SignatureAlgorithm]crypto.Signer{jose.RS256: byRSA, jose.ES256: byEC, jose.EdDSA: byEd}}
	server := httptest.NewServer(http.HandlerFunc(i.serve))
	t.Cleanup(server.Close)
	i.url = server.URL
	return i
}

func (i *issuer) serve(w http.ResponseWriter, _ *http.Request) {
	i.fetches.Add(1)
	if i.failing.Load() {
		http.Error(w, "failing", http.StatusBadGateway)
		return
	}
	var set jose.JSONWebKeySet
	for algorithm, key := range i.keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key.Public(), KeyID: string(algorithm), Algorithm: string(algorithm), Use: "sig"})
	}
	require.NoError(i.t, json.NewEncoder(w).Encode(set))
}

func (i *issuer) host() auth.Host {
	return auth.Host{JWKSURL: i.url, Issuer: "https://app.example.com", Audience: "satchel"}
}

// claims of a token that is right in every way.
func (i *issuer) claims(account, user string) map[string]any {
	return map[string]any{
		"iss": "https://app.example.com", "aud": "satchel", "sub": user, "account_sid": account,
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}
}

func (i *issuer) token(algorithm jose.SignatureAlgorithm, claims map[string]any) string {
	return i.sign(algorithm, i.keys[algorithm], string(algorithm), claims)
}

func (i *issuer) sign(algorithm jose.SignatureAlgorithm, key any, kid string, claims map[string]any) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", kid))
	require.NoError(i.t, err)
	payload, err := json.Marshal(claims)
	require.NoError(i.t, err)
	signed, err := signer.Sign(payload)
	require.NoError(i.t, err)
	token, err := signed.CompactSerialize()
	require.NoError(i.t, err)
	return token
}

// unsigned is a token that says alg none.
func (i *issuer) unsigned(claims map[string]any) string {
	payload, err := json.Marshal(claims)
	require.NoError(i.t, err)
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none","kid":"RS256"}`)) + "." + encode(payload) + "."
}

// confused is a token signed by HMAC with our public key as its secret.
func (i *issuer) confused(claims map[string]any) string {
	public, err := x509.MarshalPKIXPublicKey(i.keys[jose.RS256].Public())
	require.NoError(i.t, err)
	return i.sign(jose.HS256, public, "RS256", claims)
}
