package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	"satchel/dev/demo"
	"satchel/dev/stack"
)

// The day is shortened, and long enough for what a test does within it.
const (
	confirmWindow  = 40 * time.Second
	downloadWindow = 30 * time.Second
	cooldown       = 36 * time.Second
)

// One stack serves all tests of the package, one after the other.
var stage struct {
	sync.Once
	*stack.Stack
	dir string
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if stage.Stack != nil {
		if err := stage.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if stage.dir != "" && code == 0 {
		_ = os.RemoveAll(stage.dir)
	}
	os.Exit(code)
}

// open starts the stack unless it is up.
func open(t *testing.T) *stack.Stack {
	stage.Do(func() {
		if stage.dir, stage.err = os.MkdirTemp("", "satchel-e2e-"); stage.err != nil {
			return
		}
		stage.Stack, stage.err = stack.Start(context.Background(), stack.Options{
			Dir: stage.dir, Race: true,
			Windows: stack.Windows{Confirm: confirmWindow, Download: downloadWindow, Cooldown: cooldown},
			Env:     []string{"SWEEP_EVERY=10s", "SWEEP_GRACE=3s", "RATE_LIMIT=500", "LOG_LEVEL=debug"},
		})
		if stage.err != nil {
			return
		}
		stage.Watch()
		_, stage.err = stage.S3.Client().PutBucketVersioning(context.Background(), &s3.PutBucketVersioningInput{
			Bucket: aws.String(stage.Demo.S3.Bucket), VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
		}) // what is removed must be gone in every version
		for name, value := range map[string]string{ // for tests that open the bucket themselves
			"AWS_ACCESS_KEY_ID": stage.Demo.S3.AccessKey, "AWS_SECRET_ACCESS_KEY": stage.Demo.S3.SecretKey, "AWS_REGION": "us-east-1",
		} {
			stage.err = errors.Join(stage.err, os.Setenv(name, value))
		}
	})
	require.NoError(t, stage.err, "logs are in %s", filepath.Join(stage.dir, "log"))
	return stage.Stack
}

// person is somebody with a browser, or a program with credentials.
type person struct {
	t      *testing.T
	st     *stack.Stack
	http   *http.Client
	user   string // for HTTP Basic
	pass   string
	bearer string // a token of the host application
}

func visitor(t *testing.T) *person { return visit(t, open(t)) }

func visit(t *testing.T, st *stack.Stack) *person {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &person{t: t, st: st, http: &http.Client{
		Jar: jar, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// signIn is a person who followed their demo sign-in link.
func signIn(t *testing.T, u demo.User) *person {
	p := visitor(t)
	p.signIn(u)
	return p
}

func (p *person) signIn(u demo.User) {
	p.t.Helper()
	res, _ := p.do(http.MethodGet, u.SignInURL, nil)
	require.Less(p.t, res.StatusCode, 400, "sign in")
}

// program has an account's own credentials.
func program(t *testing.T, user, pass string) *person {
	p := visitor(t)
	p.user, p.pass = user, pass
	return p
}

// answer is what came back, read to its end.
type answer struct {
	StatusCode int
	Header     http.Header
}

// do sends a request; path may be a whole URL.
func (p *person) do(method, path string, header http.Header) (answer, []byte) {
	p.t.Helper()
	if !strings.Contains(path, "://") {
		path = p.st.Demo.BaseURL + path
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
	return answer{res.StatusCode, res.Header}, body
}

// view is an export as the API shows it.
type view struct {
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

// problem is what the API says when it refuses.
type problem struct {
	Code, Detail, ExportID string
	Status                 int
	AvailableAt            *time.Time
}

func (p *person) json(method, path string, want int, into any) answer {
	p.t.Helper()
	res, body := p.do(method, path, nil)
	require.Equal(p.t, want, res.StatusCode, "%s %s: %s", method, path, body)
	if into != nil {
		require.NoError(p.t, json.Unmarshal(body, into), "%s", body)
	}
	return res
}

func (p *person) request() view {
	p.t.Helper()
	var v view
	res := p.json(http.MethodPost, "/v1/account/exports", http.StatusAccepted, &v)
	require.Equal(p.t, "/v1/account/exports/"+v.ID, pathOf(p.t, res.Header.Get("Location")))
	return v
}

func (p *person) export(id string) view {
	p.t.Helper()
	var v view
	p.json(http.MethodGet, "/v1/account/exports/"+id, http.StatusOK, &v)
	return v
}

// await polls until the export is in the status, and fails if it ends otherwise.
func (p *person) await(id, status string, patience time.Duration) view {
	p.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		res, body := p.do(http.MethodGet, "/v1/account/exports/"+id, nil)
		if res.StatusCode == http.StatusOK {
			var v view
			require.NoError(p.t, json.Unmarshal(body, &v))
			if v.Status == status {
				return v
			}
			ended := v.Status == "failed" || v.Status == "cancelled" || v.Status == "expired"
			require.False(p.t, ended, "%s", body)
		}
		require.True(p.t, time.Now().Before(deadline), "still not %s: %s", status, body)
		pause(p.t, 100*time.Millisecond)
	}
}

// until asks again and again, in the test's own goroutine, until it is so.
func until(t *testing.T, so func() bool, patience time.Duration) {
	t.Helper()
	for deadline := time.Now().Add(patience); !so(); pause(t, 100*time.Millisecond) {
		require.True(t, time.Now().Before(deadline), "it did not come so within %s", patience)
	}
}

func pause(t *testing.T, d time.Duration) {
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

func pathOf(t *testing.T, raw string) string {
	u, err := url.Parse(raw)
	require.NoError(t, err)
	return u.Path
}

// letter is a mail as the mailbox shows it.
type letter struct {
	ID, Subject, HTML, Text, IdempotencyKey string
	To                                      []string
	CreatedAt                               time.Time
}

func (p *person) letters(to string) []letter {
	t := p.t
	t.Helper()
	res, err := http.Get(strings.TrimRight(p.st.Demo.MailboxURL, "/") + "/messages")
	require.NoError(t, err)
	defer res.Body.Close()
	var all, mine []letter
	require.NoError(t, json.NewDecoder(res.Body).Decode(&all))
	for _, l := range all {
		for _, address := range l.To {
			if strings.EqualFold(address, to) {
				mine = append(mine, l)
			}
		}
	}
	return mine
}

// link waits for a mail to this address that leads to the path, and returns
// the newest such link.
func (p *person) link(to, path string, since time.Time) string {
	t := p.t
	t.Helper()
	pattern := regexp.MustCompile(`https?://[^\s"<>]+` + path + `[A-Za-z0-9_-]+`)
	var found string
	until(t, func() bool {
		for _, l := range p.letters(to) {
			if l.CreatedAt.Before(since.Add(-time.Second)) {
				continue
			}
			if found = pattern.FindString(html.UnescapeString(l.Text)); found != "" {
				return true
			}
		}
		return false
	}, time.Minute)
	return found
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// confirmed asks for an export and confirms it by the mailed link.
func (p *person) confirmed(email string) view {
	t := p.t
	t.Helper()
	began := time.Now()
	v := p.request()
	res, body := p.do(http.MethodPost, p.link(email, "/confirm/", began), nil)
	require.Less(t, res.StatusCode, 400, "%s", body)
	return v
}

// archive is the document a customer gets.
type archive struct {
	ExportVersion, AccountID string
	ExportedAt               time.Time
	Data                     map[string]json.RawMessage
	Manifest                 map[string]struct {
		Records int
		SHA256  string
		ReadAt  time.Time
	}
}

func parse(t *testing.T, document []byte) archive {
	t.Helper()
	var a archive
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&a))
	return a
}
