package bulk_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"
	twilio "github.com/twilio/twilio-go/rest/bulkexports/v1"

	"satchel/dev/e2e/pointed"
	"satchel/schema"
)

// aFile stores a day file as the worker would, without one.
func (w *world) aFile(of caller, t schema.ResourceType, day schema.Day, text string) (schema.NewDayFile, []byte) {
	w.t.Helper()
	var zip bytes.Buffer
	z := gzip.NewWriter(&zip)
	_, err := io.WriteString(z, text)
	require.NoError(w.t, err)
	require.NoError(w.t, z.Close())
	sum := sha256.Sum256(zip.Bytes())
	f := schema.NewDayFile{
		ID: schema.NewDayFileID(), Account: of.account, Type: t, Day: day, Records: 1,
		Size: int64(zip.Len()), SHA256: hex.EncodeToString(sum[:]), ReadAt: time.Now(), Retention: time.Hour,
	}
	recipient, wrapped, err := w.vault.NewKey(w.t.Context(), f.Account, f.ID)
	require.NoError(w.t, err)
	f.Wrapped = wrapped
	_, err = w.vault.Create(w.t.Context(), schema.DayObject(f.ID), recipient, func(to io.Writer) error {
		_, err := to.Write(zip.Bytes())
		return err
	})
	require.NoError(w.t, err)
	_, err = w.store.PublishDay(w.t.Context(), f)
	require.NoError(w.t, err)
	return f, zip.Bytes()
}

// link fetches the link of a day.
func (w *world) link(as caller, t schema.ResourceType, day schema.Day) string {
	w.t.Helper()
	a := w.send(as, http.MethodGet, fmt.Sprintf("/v1/Exports/%s/Days/%s", t, day), nil)
	require.Equal(w.t, http.StatusTemporaryRedirect, a.status, a.body)
	require.Equal(w.t, "application/json; charset=utf-8", a.header.Get("Content-Type"))
	theirs := decode[twilio.BulkexportsV1DayInstance](w.t, a.body)
	require.Equal(w.t, *theirs.RedirectTo, a.header.Get("Location"))
	require.Equal(w.t, *theirs.RedirectTo, decode[map[string]string](w.t, a.body)["redirectTo"])
	return rest(w.t, *theirs.RedirectTo)
}

func TestADaysLinkLeadsToItsFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nowhere(t))
	f, content := w.aFile(w.program, schema.Calls, "2026-03-01", strings.Repeat("line\n", 1000))
	link := w.link(w.program, schema.Calls, "2026-03-01")
	for name, as := range map[string]caller{"nobody": {}, "its owner": w.program, "somebody else": w.other, "a wrong secret": {name: w.program.name, secret: "x"}} {
		a := w.send(as, http.MethodGet, link, nil, header("Accept-Encoding", "gzip, br"))
		require.Equal(t, http.StatusOK, a.status, "%s: %s", name, a.body)
		require.Equal(t, content, []byte(a.body))
		require.Empty(t, a.header.Values("Content-Encoding"), "nobody may inflate it unasked")
		require.Equal(t, "application/gzip", a.header.Get("Content-Type"))
		require.Equal(t, strconv.Itoa(len(content)), a.header.Get("Content-Length"))
		require.Equal(t, `attachment; filename="Calls-2026-03-01.json.gz"`, a.header.Get("Content-Disposition"))
		require.Equal(t, `"`+f.SHA256+`"`, a.header.Get("ETag"))
		require.Equal(t, "bytes", a.header.Get("Accept-Ranges"))
		require.Equal(t, "private, no-store", a.header.Get("Cache-Control"))
	}
	head := w.send(caller{}, http.MethodHead, link, nil)
	require.Equal(t, http.StatusOK, head.status)
	require.Equal(t, strconv.Itoa(len(content)), head.header.Get("Content-Length"))

	part := w.send(caller{}, http.MethodGet, link, nil, header("Range", "bytes=10-19"), header("If-Range", `"`+f.SHA256+`"`))
	require.Equal(t, http.StatusPartialContent, part.status)
	require.Equal(t, content[10:20], []byte(part.body))
	whole := w.send(caller{}, http.MethodGet, link, nil, header("Range", "bytes=10-19"), header("If-Range", `"another"`))
	require.Equal(t, http.StatusOK, whole.status)
	require.Equal(t, http.StatusNotModified, w.send(caller{}, http.MethodGet, link, nil, header("If-None-Match", `"`+f.SHA256+`"`)).status)
	refused(t, w.send(caller{}, http.MethodGet, link, nil, header("Range", "bytes=99999-")), 416, 20416)

	var actors []string
	require.NoError(t, w.rows.Select(&actors, `select actor from satchel.audit where subject = $1`, f.ID))
	require.Len(t, actors, 6, "each download but what sent nothing")
	for _, actor := range actors {
		require.Equal(t, w.program.name, actor, "whom the link was given to")
	}
}

func TestALinkIsGoodForItsFileAndItsTimeAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nowhere(t))
	f, _ := w.aFile(w.program, schema.Calls, "2026-03-01", "a")
	g, _ := w.aFile(w.program, schema.Calls, "2026-03-02", "b")
	link := w.link(w.program, schema.Calls, "2026-03-01")
	at, err := url.Parse(link)
	require.NoError(t, err)
	until, err := strconv.ParseInt(at.Query().Get("exp"), 10, 64)
	require.NoError(t, err)
	require.InDelta(t, time.Now().Add(time.Hour).Unix(), until, 60)
	sig := at.Query().Get("sig")
	past := time.Now().Add(-time.Second).Unix()
	for name, path := range map[string]string{
		"another signature": strings.Replace(link, sig, strings.Repeat("0", len(sig)), 1),
		"a longer time":     strings.Replace(link, at.Query().Get("exp"), strconv.FormatInt(until+1, 10), 1),
		"another file":      strings.Replace(link, f.ID, g.ID, 1),
		"another name":      strings.Replace(link, "Calls-2026-03-01", "Calls-2026-03-02", 1),
		"nothing":           at.Path,
		"no time":           at.Path + "?sig=" + sig,
		"expired":           fmt.Sprintf("%s?exp=%d&sig=%s", at.Path, past, w.links.FileLink(f.ID, "", past)),
		"another's name":    strings.Replace(link, w.program.name, w.other.name, 1),
	} {
		a := w.send(w.program, http.MethodGet, path, nil)
		require.Equal(t, 403, a.status, "%s: %s", name, a.body)
		refused(t, a, 403, 20403)
		require.Empty(t, a.header.Get("Content-Disposition"))
	}
	w.aFile(w.program, schema.Calls, "2026-03-01", "newer") // takes the place of f
	refused(t, w.send(caller{}, http.MethodGet, link, nil), 404, 20404)
	newer := w.link(w.program, schema.Calls, "2026-03-01")
	require.Equal(t, 200, w.send(caller{}, http.MethodGet, newer, nil).status)
	_, err = w.rows.Exec(`update satchel.day_files set expires_at = clock_timestamp()`)
	require.NoError(t, err)
	refused(t, w.send(caller{}, http.MethodGet, newer, nil), 404, 20404)
	refused(t, w.send(w.program, http.MethodGet, "/v1/Exports/Calls/Days/2026-03-01", nil), 404, 20404)
	require.Contains(t, w.send(w.program, http.MethodGet, "/v1/Exports/Calls/Days", nil).body, `"days":[]`)
}

func TestADayWithoutAFileIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nowhere(t))
	w.aFile(w.other, schema.Calls, "2026-03-01", "a")
	for _, day := range []string{"2026-03-01", "2026-03-02"} {
		refused(t, w.send(w.program, http.MethodGet, "/v1/Exports/Calls/Days/"+day, nil), 404, 20404, day)
	}
	for _, day := range []string{"today", "2026-02-30", "2026-3-1", "20260301"} {
		refused(t, w.send(w.program, http.MethodGet, "/v1/Exports/Calls/Days/"+day, nil), 400, 20001, day)
	}
}

func TestClientsThatWouldFollowCanBeToldOtherwise(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nowhere(t))
	w.bulk.FetchStatus = http.StatusOK
	w.aFile(w.program, schema.Calls, "2026-03-01", "a")
	a := w.send(w.program, http.MethodGet, "/v1/Exports/Calls/Days/2026-03-01", nil)
	require.Equal(t, 200, a.status)
	require.Empty(t, a.header.Get("Location"))
	require.NotEmpty(t, decode[twilio.BulkexportsV1DayInstance](t, a.body).RedirectTo)

	to, err := url.Parse(w.url)
	require.NoError(t, err)
	following := pointed.Client(to, w.program.name, w.program.secret)
	following.HTTPClient.CheckRedirect = nil
	following.SetAccountSid(w.program.account)
	day, err := twilio.NewApiServiceWithClient(following).FetchDay("Calls", "2026-03-01")
	require.NoError(t, err)
	require.NotEmpty(t, *day.RedirectTo)
}

func TestALinkIsGoodForNothingWhileItsAccountIsSuspended(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nowhere(t))
	w.aFile(w.program, schema.Calls, "2026-03-01", "a")
	link := w.link(w.program, schema.Calls, "2026-03-01")
	w.suspended.Store(true)
	refused(t, w.send(caller{}, http.MethodGet, link, nil), 403, 20403)
	w.suspended.Store(false)
	require.Equal(t, 200, w.send(caller{}, http.MethodGet, link, nil).status)
}

func TestOurOwnListsGoOnWhereTheirLastPartEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nowhere(t))
	for _, query := range []string{
		`insert into satchel.day_files (account_sid, resource_type, day, id, wrapped, records, size, sha256, expires_at)
			select a, 'Calls', date '2025-01-01' + i, 'DF' || md5(a || i::text), 'key', 1, 1, repeat('ab', 32), now() + interval '1 day'
			from unnest($1::text[]) a, generate_series(1, 450) i`,
		`insert into satchel.events (id, account_sid, resource_type, webhook_url, webhook_method, days_completed, days_empty, days_failed, at)
			select md5(a || i::text)::uuid, a, 'Calls', 'https://hooks.example.com/', 'POST', 1, 0, 0, date_trunc('day', now()) - i / 7 * interval '1 hour'
			from unnest($1::text[]) a, generate_series(1, 450) i`,
	} {
		_, err := w.rows.Exec(query, pq.Array([]string{w.program.account, w.other.account}))
		require.NoError(t, err)
	}
	type part struct {
		Files, Events []struct{ ID string }
		Next          string
	}
	for path, query := range map[string]string{
		"/v1/bulk/files":  `select id from satchel.day_files where account_sid = $1 order by seq desc`,
		"/v1/bulk/events": `select id from satchel.events where account_sid = $1 order by at desc, id`,
	} {
		var want, all []string
		require.NoError(t, w.rows.Select(&want, query, w.program.account))
		next := ""
		for range 3 {
			a := w.send(w.program, http.MethodGet, path+"?before="+next, nil)
			require.Equal(t, 200, a.status, a.body)
			p := decode[part](t, a.body)
			for _, one := range append(p.Files, p.Events...) {
				all = append(all, one.ID)
			}
			if next != "" {
				theirs := w.send(w.other, http.MethodGet, path+"?before="+next, nil)
				require.NotContains(t, theirs.body, all[0], path)
			}
			next = p.Next
		}
		require.Empty(t, next, path)
		require.Equal(t, want, all, path)
		require.Equal(t, 400, w.send(w.program, http.MethodGet, path+"?before=x", nil).status)
	}
}
