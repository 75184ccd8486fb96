package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	"satchel/dev/demo"
	"satchel/dev/fixture"
	"satchel/dev/mailbox"
	"satchel/dev/stack"
	"satchel/schema"
)

// Windows of the shared stack: short, but long enough for what a test does within
// them on a busy machine.
const (
	confirmWindow  = 40 * time.Second
	downloadWindow = 30 * time.Second
	cooldown       = 36 * time.Second
)

// parallel is how many parallel tests run at once: they mostly wait.
const parallel = "4"

// shared is the stack of all tests that need no other configuration.
var shared = fixture.Shared{Start: startShared}

func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", parallel); err != nil {
		panic(err)
	}
	code := m.Run()
	if err := shared.Close(code != 0); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func startShared() (*fixture.Stack, error) {
	s, err := fixture.Start(stack.Options{
		Windows: stack.Windows{Confirm: confirmWindow, Download: downloadWindow, Cooldown: cooldown},
		Env:     []string{"SWEEP_EVERY=10s", "SWEEP_GRACE=3s", "RATE_LIMIT=500", "LOG_LEVEL=debug"},
	})
	if err != nil {
		return nil, err
	}
	s.Watch()
	_, err = s.S3.Client().PutBucketVersioning(context.Background(), &s3.PutBucketVersioningInput{
		Bucket: aws.String(s.Demo.S3.Bucket), VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	}) // removal must delete every version
	for name, value := range map[string]string{ // for tests that open the bucket themselves
		"AWS_ACCESS_KEY_ID": s.Demo.S3.AccessKey, "AWS_SECRET_ACCESS_KEY": s.Demo.S3.SecretKey, "AWS_REGION": "us-east-1",
	} {
		err = errors.Join(err, os.Setenv(name, value))
	}
	return s, err
}

// httpClient is a client of a server with cookies or credentials.
type httpClient struct {
	t      *testing.T
	st     *fixture.Stack
	base   string // URL of the server
	http   *http.Client
	user   string // for HTTP Basic
	pass   string
	bearer string // a token of the host application
}

// newClient returns a client of the shared stack without credentials.
func newClient(t *testing.T) *httpClient { return newClientOf(t, shared.Stack(t)) }

// newClientOf does the same for another stack.
func newClientOf(t *testing.T, st *fixture.Stack) *httpClient {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &httpClient{t: t, st: st, base: st.Demo.BaseURL, http: &http.Client{
		Jar: jar, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// signedIn returns a client that has followed the sign-in link of a demo user.
func signedIn(t *testing.T, u demo.User) *httpClient {
	p := newClient(t)
	p.signIn(u)
	return p
}

func (p *httpClient) signIn(u demo.User) {
	p.t.Helper()
	res, _ := p.do(http.MethodGet, u.SignInURL, nil)
	require.Less(p.t, res.StatusCode, 400, "sign in")
}

// basicClient returns a client with HTTP Basic credentials.
func basicClient(t *testing.T, user, pass string) *httpClient {
	p := newClient(t)
	p.user, p.pass = user, pass
	return p
}

// response is the status and headers of a response that was read to its end.
type response struct {
	StatusCode int
	Header     http.Header
}

// do sends a request; path may be a whole URL.
func (p *httpClient) do(method, path string, header http.Header) (response, []byte) {
	p.t.Helper()
	if !strings.Contains(path, "://") {
		path = p.base + path
	}
	req, err := http.NewRequestWithContext(p.t.Context(), method, path, nil)
	require.NoError(p.t, err)
	for k, v := range header {
		req.Header[k] = v
	}
	if p.user != "" {
		req.SetBasicAuth(p.user, p.pass)
	}
	if p.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+p.bearer)
	}
	res, err := p.http.Do(req)
	require.NoError(p.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(p.t, err)
	return response{res.StatusCode, res.Header}, body
}

// exportView is an export in the JSON of the API.
type exportView struct {
	ID, AccountID, Status         string
	Reason                        *string
	RequestedAt                   time.Time
	CompletedAt, ExpiresAt        *time.Time
	AvailableAgainAt, ConfirmedAt *time.Time
	Size                          *int64
	SHA256, DownloadURL           *string
	Categories                    []struct {
		Name, Status    string
		Records, Bytes  int64
		ExpectedRecords *int64
	}
}

// problem is an error in the JSON of the API.
type problem struct {
	Code, Detail, ExportID string
	Status                 int
	AvailableAt            *time.Time
}

func (p *httpClient) json(method, path string, want int, into any) response {
	p.t.Helper()
	res, body := p.do(method, path, nil)
	require.Equal(p.t, want, res.StatusCode, "%s %s: %s", method, path, body)
	if into != nil {
		require.NoError(p.t, json.Unmarshal(body, into), "%s", body)
	}
	return res
}

func (p *httpClient) requestExport() exportView {
	p.t.Helper()
	var v exportView
	res := p.json(http.MethodPost, "/v1/account/exports", http.StatusAccepted, &v)
	require.Equal(p.t, "/v1/account/exports/"+v.ID, pathOf(p.t, res.Header.Get("Location")))
	return v
}

func (p *httpClient) export(id string) exportView {
	p.t.Helper()
	var v exportView
	p.json(http.MethodGet, "/v1/account/exports/"+id, http.StatusOK, &v)
	return v
}

// awaitStatus polls until the export has the status, and fails the test if it ends
// with another.
func (p *httpClient) awaitStatus(id, status string, timeout time.Duration) exportView {
	p.t.Helper()
	deadline := time.Now().Add(timeout)
	for {
		res, body := p.do(http.MethodGet, "/v1/account/exports/"+id, nil)
		if res.StatusCode == http.StatusOK {
			var v exportView
			require.NoError(p.t, json.Unmarshal(body, &v))
			if v.Status == status {
				return v
			}
			ended := v.Status == "failed" || v.Status == "cancelled" || v.Status == "expired"
			require.False(p.t, ended, "%s", body)
		}
		require.True(p.t, time.Now().Before(deadline), "still not %s: %s", status, body)
		fixture.Pause(p.t, 100*time.Millisecond)
	}
}

func pathOf(t *testing.T, raw string) string {
	u, err := url.Parse(raw)
	require.NoError(t, err)
	return u.Path
}

// mails returns the mails to an address, newest first.
func (p *httpClient) mails(to string) []mailbox.Message { return p.st.Mails(to) }

// link waits for a mail with a link to the path, and returns the newest such link.
func (p *httpClient) link(to, path string, since time.Time) string {
	p.t.Helper()
	return p.st.AwaitLink(p.t, to, path, since)
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// confirmedExport requests an export and confirms it by the mailed link.
func (p *httpClient) confirmedExport(email string) exportView {
	t := p.t
	t.Helper()
	began := time.Now()
	v := p.requestExport()
	res, body := p.do(http.MethodPost, p.link(email, "/confirm/", began), nil)
	require.Less(t, res.StatusCode, 400, "%s", body)
	return v
}

// archive is the document that is exported.
type archive struct {
	ExportVersion, AccountID string
	ExportedAt               time.Time
	Data                     map[string]json.RawMessage
	Manifest                 map[string]struct {
		Records  int
		SHA256   string
		ReadAt   time.Time
		Readings []schema.Reading
	}
}

func parseArchive(t *testing.T, document []byte) archive {
	t.Helper()
	var a archive
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&a))
	return a
}
