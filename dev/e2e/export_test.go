package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"satchel/dev/demo"
	"satchel/dev/fixture"
	"satchel/schema"
)

// demoAccount returns the first demo account with an owner, an admin and a member.
func demoAccount(t *testing.T) (a demo.Account, owner, admin, member demo.User) {
	for _, a = range shared.Stack(t).Demo.Accounts {
		roles := map[schema.Role]demo.User{}
		for _, u := range a.Users {
			roles[u.Role] = u
		}
		if len(roles) == 3 && a.ParentAccountSID == "" {
			return a, roles[schema.Owner], roles[schema.Admin], roles[schema.Member]
		}
	}
	t.Fatal("no demo account has an owner, an admin and a member")
	return
}

func TestFromRequestToRemovalOverHTTPAlone(t *testing.T) {
	t.Parallel()
	account, owner, admin, member := demoAccount(t)
	var otherOwner demo.User
	for _, a := range shared.Stack(t).Demo.Accounts {
		for _, u := range a.Users {
			if a.AccountSID != account.AccountSID && u.Role == "owner" {
				otherOwner = u
			}
		}
	}
	began := time.Now()
	p := signedIn(t, owner)

	// A second request is rejected.
	export := p.requestExport()
	require.Equal(t, "pending", p.export(export.ID).Status)
	var rejected problem
	p.json(http.MethodPost, "/v1/account/exports", http.StatusConflict, &rejected)
	require.Equal(t, "export_active", rejected.Code)
	require.Equal(t, export.ID, rejected.ExportID)
	require.NotNil(t, rejected.AvailableAt)

	// Opening the link changes nothing, and only an owner or admin can.
	confirm := p.link(owner.Email, "/confirm/", began)
	for range 20 {
		res, _ := newClient(t).do(http.MethodGet, confirm, nil)
		require.Less(t, res.StatusCode, 500)
		res, body := p.do(http.MethodGet, confirm, nil)
		require.Equal(t, http.StatusOK, res.StatusCode, "%s", body)
	}
	for name, other := range map[string]*httpClient{
		"no session": newClient(t), "a member": signedIn(t, member), "another account's owner": signedIn(t, otherOwner),
	} {
		res, _ := other.do(http.MethodPost, confirm, nil)
		require.NotContains(t, []int{200, 202, 204}, res.StatusCode, name)
		require.True(t, res.StatusCode >= 400 || strings.Contains(res.Header.Get("Location"), "/sign-in"), "%s: %d", name, res.StatusCode)
	}
	require.Equal(t, "pending", p.export(export.ID).Status)
	require.NotEmpty(t, p.link(admin.Email, "/stop/", began), "the admin is notified and can stop it")
	require.Empty(t, p.mails(member.Email), "members are not")

	// Once confirmed, the export is collected, and its progress never decreases.
	events := follow(t, p, export.ID)
	res, body := p.do(http.MethodPost, confirm, nil)
	require.Less(t, res.StatusCode, 400, "%s", body)
	done := p.awaitStatus(export.ID, "completed", 30*time.Second)
	requireProgress(t, events)
	res, _ = p.do(http.MethodPost, confirm, nil)
	require.Less(t, res.StatusCode, 500, "a second click is harmless")

	// The mailed link downloads the announced document.
	download := p.link(owner.Email, "/download/", began)
	res, body = newClient(t).do(http.MethodGet, download, nil)
	require.True(t, res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusSeeOther, "%d", res.StatusCode)
	require.NotContains(t, string(body), "exportVersion")
	res, _ = signedIn(t, member).do(http.MethodGet, download, nil)
	require.Equal(t, http.StatusForbidden, res.StatusCode)
	res, document := p.do(http.MethodGet, download, nil)
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, *done.Size, int64(len(document)))
	require.Equal(t, *done.SHA256, sum(document))
	require.Contains(t, p.mails(owner.Email)[0].Text, *done.SHA256)
	require.True(t, bytes.HasPrefix(document, []byte(`{"exportVersion":"1.0","accountId":"`+account.AccountSID+`","exportedAt":"`)))
	a := parseArchive(t, document)
	requireRows(t, account.AccountSID, a)
	var total int
	for _, c := range done.Categories {
		require.Equal(t, "done", c.Status)
		require.EqualValues(t, a.Manifest[c.Name].Records, c.Records)
		total += int(c.Records)
	}
	require.Positive(t, total)

	// The API gives the same document for the API key. A download cut off anywhere can
	// be resumed.
	_, viaAPI := basicClient(t, account.APIKey.SID, account.APIKey.Secret).do(http.MethodGet, "/v1/account/exports/"+export.ID+"/archive", nil)
	require.Equal(t, sum(document), sum(viaAPI))
	for range 10 {
		cut := 1 + rand.IntN(len(document)-1)
		require.Equal(t, sum(document), sum(downloadResumed(t, p, download, cut)), "cut at %d", cut)
	}

	// Copies of the objects, as an attacker could have made them.
	copies := objects(t, export.ID)
	require.NotEmpty(t, copies)
	for key, sealed := range copies {
		require.True(t, bytes.HasPrefix(sealed, []byte("age-encryption.org/v1")), key)
	}

	p.json(http.MethodPost, "/v1/account/exports", http.StatusConflict, &rejected)
	require.Equal(t, "cooldown", rejected.Code)
	require.NotNil(t, rejected.AvailableAt)
	require.WithinDuration(t, done.CompletedAt.Add(cooldown), *rejected.AvailableAt, time.Second)

	// After the download window, downloads answer 410 in time and the objects are removed.
	fixture.Until(t, func() bool {
		res, _ := p.do(http.MethodGet, download, nil)
		return res.StatusCode == http.StatusGone
	}, downloadWindow+10*time.Second)
	require.Less(t, time.Since(*done.ExpiresAt), 5*time.Second)
	gone := p.awaitStatus(export.ID, "expired", 20*time.Second)
	require.Equal(t, schema.ReasonWindowPassed, *gone.Reason)
	require.Empty(t, objects(t, export.ID))
	requireNothingLeft(t, export.ID)
	p.json(http.MethodPost, "/v1/account/exports", http.StatusConflict, &rejected)
	require.Equal(t, "cooldown", rejected.Code)
	requireUnreadable(t, export.ID, copies)

	// After the cooldown another can be requested.
	fixture.Until(t, func() bool {
		res, _ := p.do(http.MethodPost, "/v1/account/exports", nil)
		return res.StatusCode == http.StatusAccepted
	}, cooldown)
}

// downloadResumed downloads up to the cut, and the rest with Range and If-Range, as
// curl -C does.
func downloadResumed(t *testing.T, p *httpClient, url string, cut int) []byte {
	t.Helper()
	head, tag := downloadStart(t, p, url, cut)
	rest, tail := p.do(http.MethodGet, url, http.Header{
		"Accept-Encoding": {"identity"}, "Range": {fmt.Sprintf("bytes=%d-", cut)}, "If-Range": {tag},
	})
	require.Equal(t, http.StatusPartialContent, rest.StatusCode)
	return append(head, tail...)
}

// downloadStart reads the first bytes of a download, closes the connection, and returns
// the bytes and the ETag.
func downloadStart(t *testing.T, p *httpClient, url string, cut int) ([]byte, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	req.Header.Set("Accept-Encoding", "identity")
	res, err := p.http.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	tag := res.Header.Get("ETag")
	head, err := io.ReadAll(io.LimitReader(res.Body, int64(cut)))
	require.NoError(t, err)
	require.Len(t, head, cut)
	return head, tag
}

// follow reads an export's events in the background until they end.
func follow(t *testing.T, p *httpClient, id string) <-chan []exportView {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.st.Demo.BaseURL+"/v1/account/exports/"+id+"/events", nil)
	require.NoError(t, err)
	res, err := p.http.Do(req) //nolint:bodyclose // closed below; the linter does not see it
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Contains(t, res.Header.Get("Content-Type"), "text/event-stream")
	followed := make(chan []exportView, 1)
	go func() {
		defer res.Body.Close()
		var views []exportView
		lines := bufio.NewScanner(res.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data:"); ok {
				var v exportView
				if json.Unmarshal([]byte(strings.TrimSpace(data)), &v) == nil {
					views = append(views, v)
					if v.Status == "completed" {
						break
					}
				}
			}
		}
		followed <- views
	}()
	return followed
}

func requireProgress(t *testing.T, events <-chan []exportView) {
	t.Helper()
	var views []exportView
	select {
	case views = <-events:
	case <-time.After(10 * time.Second):
		t.Fatal("no event of the completion")
	}
	require.GreaterOrEqual(t, len(views), 2)
	order := map[string]int{"pending": 0, "confirmed": 1, "processing": 2, "completed": 3}
	for i := 1; i < len(views); i++ {
		require.GreaterOrEqual(t, order[views[i].Status], order[views[i-1].Status])
		for c := range views[i].Categories {
			require.GreaterOrEqual(t, views[i].Categories[c].Records, views[i-1].Categories[c].Records)
			require.GreaterOrEqual(t, views[i].Categories[c].Bytes, views[i-1].Categories[c].Bytes)
		}
	}
	require.Equal(t, "completed", views[len(views)-1].Status)
}

// objects reads everything stored for an export.
func objects(t *testing.T, export string) map[string][]byte {
	t.Helper()
	st := shared.Stack(t)
	bucket, prefix := aws.String(st.Demo.S3.Bucket), aws.String(schema.ExportPrefix(export))
	found := map[string][]byte{}
	pages := s3.NewListObjectsV2Paginator(st.S3.Client(), &s3.ListObjectsV2Input{Bucket: bucket, Prefix: prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, o := range page.Contents {
			got, err := st.S3.Client().GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: o.Key})
			require.NoError(t, err)
			found[*o.Key], err = io.ReadAll(got.Body)
			require.NoError(t, err)
			require.NoError(t, got.Body.Close())
		}
	}
	return found
}

// requireNothingLeft fails the test if versions, unfinished uploads or the key are left,
// or if there is no certificate of the removal.
func requireNothingLeft(t *testing.T, export string) {
	t.Helper()
	st := shared.Stack(t)
	bucket, prefix := aws.String(st.Demo.S3.Bucket), aws.String(schema.ExportPrefix(export))
	uploads, err := st.S3.Client().ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: bucket, Prefix: prefix})
	require.NoError(t, err)
	require.Empty(t, uploads.Uploads)
	versions, err := st.S3.Client().ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: bucket, Prefix: prefix})
	require.NoError(t, err)
	require.Empty(t, versions.Versions)
	require.Empty(t, versions.DeleteMarkers)
	var keys, certificates int
	db := shared.Stack(t).DB
	require.NoError(t, db.QueryRow(`select count(*) from satchel.export_keys where export_id = $1`, export).Scan(&keys))
	require.Zero(t, keys)
	require.NoError(t, db.QueryRow(`select count(*) from satchel.audit where subject = $1 and action = 'removed'
		and (details->>'objects')::int > 0 and (details->>'left')::int = 0`, export).Scan(&certificates))
	require.Equal(t, 1, certificates)
}
