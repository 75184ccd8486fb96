package vault

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

const testKMSKey = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"

// keyService is a KMS with one key. It records the encryption contexts that it
// decrypted for.
type keyService struct {
	*httptest.Server
	aead cipher.AEAD

	mu       sync.Mutex
	contexts []string
	down     bool
	wrongKey bool
}

func newKeyService(t *testing.T) *keyService {
	block, err := aes.NewCipher(randomBytes(32))
	require.NoError(t, err)
	k := &keyService{}
	k.aead, err = cipher.NewGCM(block)
	require.NoError(t, err)
	k.Server = httptest.NewServer(k)
	t.Cleanup(k.Close)
	return k
}

func (k *keyService) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var in struct {
		KeyId, GrantTokens        string
		Plaintext, CiphertextBlob []byte
		EncryptionContext         map[string]string
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	reject := func(status int, code string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"__type":%q}`, code)
	}
	switch err := json.NewDecoder(q.Body).Decode(&in); {
	case k.wrongKey:
		reject(http.StatusBadRequest, "IncorrectKeyException")
		return
	case k.down:
		reject(http.StatusServiceUnavailable, "DependencyTimeoutException")
		return
	case err != nil || in.KeyId != testKMSKey || !strings.Contains(q.Header.Get("Authorization"), "/eu-west-1/kms/"):
		reject(http.StatusBadRequest, "NotFoundException")
		return
	}
	associated := []byte(in.EncryptionContext["associatedData"])
	nonce := make([]byte, k.aead.NonceSize())
	switch q.Header.Get("X-Amz-Target") {
	case "TrentService.Encrypt":
		_ = json.NewEncoder(w).Encode(map[string]any{"CiphertextBlob": k.aead.Seal(nil, nonce, in.Plaintext, associated)})
	case "TrentService.Decrypt":
		plain, err := k.aead.Open(nil, nonce, in.CiphertextBlob, associated)
		if err != nil {
			reject(http.StatusBadRequest, "InvalidCiphertextException")
			return
		}
		decoded, _ := hex.DecodeString(string(associated))
		k.contexts = append(k.contexts, string(decoded))
		_ = json.NewEncoder(w).Encode(map[string]any{"Plaintext": plain})
	}
}

// keyRings returns one key ring of each kind.
func keyRings(t *testing.T) map[string]*KeyRing {
	file, _ := testVault(t)
	inKMS, _ := kmsVault(t, newKeyService(t))
	return map[string]*KeyRing{"file": file.KeyRing, "kms": inKMS.KeyRing}
}

// kmsVault returns a vault whose key is in the service.
func kmsVault(t *testing.T, service *keyService) (*Vault, *interceptor) {
	c := testConfig(t)
	c.KeysetFile, c.KMSKeyURI = "", "aws-kms://"+testKMSKey
	t.Setenv("AWS_ENDPOINT_URL_KMS", service.URL)
	return interceptedVault(t, c, time.Minute)
}

func TestAWrappedKeyOpensOnlyForItsAccountAndExport(t *testing.T) {
	account, export := schema.NewAccountID(), schema.NewExportID()
	for name, ring := range keyRings(t) {
		t.Run(name, func(t *testing.T) {
			recipient, wrapped, err := ring.NewKey(t.Context(), account, export)
			require.NoError(t, err)
			require.True(t, strings.HasPrefix(recipient, "age1pq1"))
			require.NotContains(t, strings.ToUpper(string(wrapped)), "AGE-SECRET")

			id, err := ring.Unwrap(t.Context(), wrapped, account, export)
			require.NoError(t, err)
			require.Equal(t, recipient, id.age.Recipient().String())

			for _, other := range [][2]string{
				{schema.NewAccountID(), export}, {account, schema.NewExportID()}, {export, account}, {account + export, ""}, {"", ""},
			} {
				_, err := ring.Unwrap(t.Context(), wrapped, other[0], other[1])
				require.ErrorIs(t, err, ErrUnreadable)
			}
			_, err = ring.Unseal(t.Context(), wrapped, account, export)
			require.ErrorIs(t, err, ErrUnreadable, "a wrapped key is not a sealed secret")
			for _, broken := range [][]byte{nil, {}, wrapped[:len(wrapped)-1], append([]byte{1}, wrapped...)} {
				_, err := ring.Unwrap(t.Context(), broken, account, export)
				require.Error(t, err)
			}
			other, _ := testVault(t)
			_, err = other.Unwrap(t.Context(), wrapped, account, export)
			require.ErrorIs(t, err, ErrUnreadable, "another deployment")
		})
	}
}

func TestASealedSecretOpensOnlyForItsAccountAndPurpose(t *testing.T) {
	account := schema.NewAccountID()
	for name, ring := range keyRings(t) {
		t.Run(name, func(t *testing.T) {
			sealed, err := ring.Seal(t.Context(), []byte("an auth token"), account, "auth token")
			require.NoError(t, err)
			require.NotContains(t, string(sealed), "auth")
			secret, err := ring.Unseal(t.Context(), sealed, account, "auth token")
			require.NoError(t, err)
			require.Equal(t, "an auth token", string(secret))
			_, err = ring.Unseal(t.Context(), sealed, account, "webhook secret")
			require.ErrorIs(t, err, ErrUnreadable)
			_, err = ring.Unseal(t.Context(), sealed, schema.NewAccountID(), "auth token")
			require.ErrorIs(t, err, ErrUnreadable)
		})
	}
}

func TestKMSLogsTheAccountAndExportOfAnUnwrap(t *testing.T) {
	service := newKeyService(t)
	v, _ := kmsVault(t, service)
	account, export := schema.NewAccountID(), schema.NewExportID()
	_, wrapped, err := v.NewKey(t.Context(), account, export)
	require.NoError(t, err)
	_, err = v.Unwrap(t.Context(), wrapped, account, export)
	require.NoError(t, err)
	require.Len(t, service.contexts, 1)
	require.Contains(t, service.contexts[0], account)
	require.Contains(t, service.contexts[0], export)

	service.wrongKey = true
	_, err = v.Unwrap(t.Context(), wrapped, account, export)
	require.ErrorIs(t, err, ErrUnreadable)

	service.wrongKey, service.down = false, true
	_, err = v.Unwrap(t.Context(), wrapped, account, export)
	require.Equal(t, schema.Unavailable, schema.KindOf(err), "%v", err)
	require.NotErrorIs(t, err, ErrUnreadable, "an unavailable key service must not look like a lost key")
}

func TestIdentitiesDoNotPrint(t *testing.T) {
	v, _ := testVault(t)
	e := newExport(t, v)
	secret := e.identity.age.String()
	text, err := json.Marshal(map[string]any{"identity": e.identity})
	require.NoError(t, err)
	for _, printed := range []string{fmt.Sprint(e.identity), fmt.Sprintf("%v %+v %#v %s %q", e.identity, &e.identity, e.identity, e.identity, e.identity), string(text)} {
		require.NotContains(t, strings.ToUpper(printed), secret[:20])
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.Equal(t, "vault.Identity", fmt.Sprintf(verb, e.identity), "without the bytes of the key")
		require.Equal(t, "vault.Identity", fmt.Sprintf(verb, &e.identity))
	}
}

func TestAKeysetThatOthersCanReadIsRejected(t *testing.T) {
	c := testConfig(t)
	for _, mode := range []os.FileMode{0o644, 0o604, 0o660, 0o620, 0o602} {
		require.NoError(t, os.Chmod(c.KeysetFile, mode))
		_, err := Open(t.Context(), c)
		require.ErrorContains(t, err, "chmod 600", "%o", mode)
		require.ErrorContains(t, err, "KEYSET_FILE")
		require.False(t, isPrivate(mode, false), "%o", mode)
	}
	for _, mode := range []os.FileMode{0o600, 0o400} {
		require.NoError(t, os.Chmod(c.KeysetFile, mode))
		_, err := Open(t.Context(), c)
		require.NoError(t, err)
	}
}

// Kubernetes mounts a secret as root's, with the group of the process and mode 0440.
func TestAKeysetThatRootGivesToTheGroupOfTheProcessIsAccepted(t *testing.T) {
	for _, mode := range []os.FileMode{0o440, 0o640} {
		require.True(t, isPrivate(mode, false), "%o", mode)
		require.False(t, isPrivate(mode, true), "the user can make it 0600: %o", mode)
	}
	c := testConfig(t)
	require.NoError(t, os.Chmod(c.KeysetFile, 0o440))
	_, err := Open(t.Context(), c)
	if os.Geteuid() == 0 {
		require.NoError(t, err)
	} else {
		require.ErrorContains(t, err, "chmod 600", "it is the user's own")
	}
}

func TestAKeysetIsNeverReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keyset.json")
	require.NoError(t, WriteKeyset(path))
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.ErrorContains(t, WriteKeyset(path), "already exists")
	require.ErrorContains(t, WriteDevelopmentKeyset(path), "already exists")
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.Error(t, WriteKeyset(filepath.Join(path, "under a file")))
}

func TestDevelopmentKeysAreRecognised(t *testing.T) {
	c := testConfig(t)
	v, err := Open(t.Context(), c)
	require.NoError(t, err)
	require.False(t, v.KeyIsForDevelopment())

	made := filepath.Join(t.TempDir(), "dev.json")
	require.NoError(t, WriteDevelopmentKeyset(made))
	text, err := os.ReadFile(made)
	require.NoError(t, err)
	copied := filepath.Join(t.TempDir(), "production.json")
	require.NoError(t, os.WriteFile(copied, text, 0o600))
	for _, path := range []string{made, copied} {
		c.KeysetFile = path
		v, err = Open(t.Context(), c)
		require.NoError(t, err)
		require.True(t, v.KeyIsForDevelopment())
		_, _, err = v.NewKey(t.Context(), "a", "e")
		require.NoError(t, err)
	}
	other := filepath.Join(t.TempDir(), "dev.json")
	require.NoError(t, WriteDevelopmentKeyset(other))
	otherText, err := os.ReadFile(other)
	require.NoError(t, err)
	require.NotEqual(t, text, otherText, "each is random")
}

func TestTheContentOfAFileThatIsNoKeysetIsNotQuoted(t *testing.T) {
	c := testConfig(t)
	secret := "AGE-SECRET-KEY-PQ-1NOTAKEYSET"
	require.NoError(t, os.WriteFile(c.KeysetFile, []byte(secret), 0o600))
	_, err := Open(t.Context(), c)
	require.ErrorContains(t, err, "not a Tink keyset")
	require.NotContains(t, err.Error(), secret)
}

func TestInvalidConfigurationIsNamed(t *testing.T) {
	good := testConfig(t)
	for want, change := range map[string]func(*Config){
		"S3_BUCKET":              func(c *Config) { c.Bucket = "" },
		"neither":                func(c *Config) { c.KeysetFile = "" },
		"both set":               func(c *Config) { c.KMSKeyURI = "aws-kms://" + testKMSKey },
		"https://":               func(c *Config) { c.Endpoint = "localhost:7070" },
		"no such file":           func(c *Config) { c.KeysetFile += ".gone" },
		"must be aws-kms:// and": func(c *Config) { c.KeysetFile, c.KMSKeyURI = "", "gcp-kms://key" },
		"the key's ARN":          func(c *Config) { c.KeysetFile, c.KMSKeyURI = "", "aws-kms://arn:aws:s3:::bucket" },
	} {
		c := good
		change(&c)
		_, err := Open(t.Context(), c)
		require.ErrorContains(t, err, want)
	}
	t.Setenv("AWS_REGION", "")
	c := good
	c.Endpoint = ""
	_, err := Open(context.Background(), c)
	require.ErrorContains(t, err, "AWS_REGION")
}
