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

	"satchel/dev/e2e/twilioclient"
	"satchel/schema"
)

// createDayFile stores a day file as the worker would.
func (fx *fixture) createDayFile(of credentials, t schema.ResourceType, day schema.Day, text string) (schema.NewDayFile, []byte) {
	fx.t.Helper()
	var zip bytes.Buffer
	z := gzip.NewWriter(&zip)
	_, err := io.WriteString(z, text)
	require.NoError(fx.t, err)
	require.NoError(fx.t, z.Close())
	sum := sha256.Sum256(zip.Bytes())
	f := schema.NewDayFile{
		ID: schema.NewDayFileID(), Account: of.account, Type: t, Day: day, Records: 1,
		Size: int64(zip.Len()), SHA256: hex.EncodeToString(sum[:]), ReadAt: time.Now(), Retention: time.Hour,
	}
	recipient, wrapped, err := fx.vault.NewKey(fx.t.Context(), f.Account, f.ID)
	require.NoError(fx.t, err)
	f.Wrapped = wrapped
	_, err = fx.vault.Create(fx.t.Context(), schema.DayFileObject(f.ID), recipient, func(to io.Writer) error {
		_, err := to.Write(zip.Bytes())
		return err
	})
	require.NoError(fx.t, err)
	_, err = fx.store.PublishDayFile(fx.t.Context(), f)
	require.NoError(fx.t, err)
	return f, zip.Bytes()
}

// link fetches the link of a day's file.
func (fx *fixture) link(as credentials, t schema.ResourceType, day schema.Day) string {
	fx.t.Helper()
	a := fx.send(as, http.MethodGet, fmt.Sprintf("/v1/Exports/%s/Days/%s", t, day), nil)
	require.Equal(fx.t, http.StatusTemporaryRedirect, a.status, a.body)
	require.Equal(fx.t, "application/json; charset=utf-8", a.header.Get("Content-Type"))
	fetched := decode[twilio.BulkexportsV1DayInstance](fx.t, a.body)
	require.Equal(fx.t, *fetched.RedirectTo, a.header.Get("Location"))
	require.Equal(fx.t, *fetched.RedirectTo, decode[map[string]string](fx.t, a.body)["redirectTo"])
	return pathOf(fx.t, *fetched.RedirectTo)
}

func TestDayLinkServesItsFile(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withoutTemporal(t))
	f, content := fx.createDayFile(fx.program, schema.Calls, "2026-03-01", strings.Repeat("line\n", 1000))
	link := fx.link(fx.program, schema.Calls, "2026-03-01")
	for name, as := range map[string]credentials{"anonymous": {}, "the account": fx.program, "another account": fx.other, "a wrong secret": {name: fx.program.name, secret: "x"}} {
		a := fx.send(as, http.MethodGet, link, nil, header("Accept-Encoding", "gzip, br"))
		require.Equal(t, http.StatusOK, a.status, "%s: %s", name, a.body)
		require.Equal(t, content, []byte(a.body))
		require.Empty(t, a.header.Values("Content-Encoding"), "clients must not decompress it unasked")
		require.Equal(t, "application/gzip", a.header.Get("Content-Type"))
		require.Equal(t, strconv.Itoa(len(content)), a.header.Get("Content-Length"))
		require.Equal(t, `attachment; filename="Calls-2026-03-01.json.gz"`, a.header.Get("Content-Disposition"))
		require.Equal(t, `"`+f.SHA256+`"`, a.header.Get("ETag"))
		require.Equal(t, "bytes", a.header.Get("Accept-Ranges"))
		require.Equal(t, "private, no-store, no-transform", a.header.Get("Cache-Control"))
		require.Equal(t, "no", a.header.Get("X-Accel-Buffering"))
	}
	head := fx.send(anonymous, http.MethodHead, link, nil)
	require.Equal(t, http.StatusOK, head.status)
	require.Equal(t, strconv.Itoa(len(content)), head.header.Get("Content-Length"))

	part := fx.send(anonymous, http.MethodGet, link, nil, header("Range", "bytes=10-19"), header("If-Range", `"`+f.SHA256+`"`))
	require.Equal(t, http.StatusPartialContent, part.status)
	require.Equal(t, content[10:20], []byte(part.body))
	whole := fx.send(anonymous, http.MethodGet, link, nil, header("Range", "bytes=10-19"), header("If-Range", `"another"`))
	require.Equal(t, http.StatusOK, whole.status)
	require.Equal(t, http.StatusNotModified, fx.send(anonymous, http.MethodGet, link, nil, header("If-None-Match", `"`+f.SHA256+`"`)).status)
	requireError(t, fx.send(anonymous, http.MethodGet, link, nil, header("Range", "bytes=99999-")), 416, 20416)

	var actors []string
	require.NoError(t, fx.rows.Select(&actors, `select actor from satchel.audit where subject = $1`, f.ID))
	require.Len(t, actors, 5, "each download that sent content; the part belongs to one of them")
	for _, actor := range actors {
		require.Equal(t, fx.program.name, actor, "the actor that the link was made for")
	}
}

func TestLinkIsBoundToItsFileItsActorAndItsExpiry(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withoutTemporal(t))
	f, _ := fx.createDayFile(fx.program, schema.Calls, "2026-03-01", "a")
	g, _ := fx.createDayFile(fx.program, schema.Calls, "2026-03-02", "b")
	link := fx.link(fx.program, schema.Calls, "2026-03-01")
	at, err := url.Parse(link)
	require.NoError(t, err)
	until, err := strconv.ParseInt(at.Query().Get("exp"), 10, 64)
	require.NoError(t, err)
	require.InDelta(t, time.Now().Add(time.Hour).Unix(), until, 60)
	sig := at.Query().Get("sig")
	past := time.Now().Add(-time.Second).Unix()
	for name, path := range map[string]string{
		"another signature":  strings.Replace(link, sig, strings.Repeat("0", len(sig)), 1),
		"a longer time":      strings.Replace(link, at.Query().Get("exp"), strconv.FormatInt(until+1, 10), 1),
		"another file":       strings.Replace(link, f.ID, g.ID, 1),
		"another file whole": strings.NewReplacer(f.ID, g.ID, "Calls-2026-03-01", "Calls-2026-03-02").Replace(link),
		"another name":       strings.Replace(link, "Calls-2026-03-01", "Calls-2026-03-02", 1),
		"nothing":            at.Path,
		"no time":            at.Path + "?sig=" + sig,
		"expired":            fmt.Sprintf("%s?exp=%d&sig=%s", at.Path, past, fx.links.FileSignature(f.ID, "", past)),
		"another actor":      strings.Replace(link, fx.program.name, fx.other.name, 1),
	} {
		a := fx.send(fx.program, http.MethodGet, path, nil)
		require.Equal(t, 403, a.status, "%s: %s", name, a.body)
		requireError(t, a, 403, 20403)
		require.Empty(t, a.header.Get("Content-Disposition"))
	}
	fx.createDayFile(fx.program, schema.Calls, "2026-03-01", "newer") // replaces f
	requireError(t, fx.send(anonymous, http.MethodGet, link, nil), 404, 20404)
	newer := fx.link(fx.program, schema.Calls, "2026-03-01")
	require.Equal(t, 200, fx.send(anonymous, http.MethodGet, newer, nil).status)
	_, err = fx.rows.Exec(`update satchel.day_files set expires_at = clock_timestamp()`)
	require.NoError(t, err)
	requireError(t, fx.send(anonymous, http.MethodGet, newer, nil), 404, 20404)
	requireError(t, fx.send(fx.program, http.MethodGet, "/v1/Exports/Calls/Days/2026-03-01", nil), 404, 20404)
	require.Contains(t, fx.send(fx.program, http.MethodGet, "/v1/Exports/Calls/Days", nil).body, `"days":[]`)
}

func TestDayWithoutAFileIsNotFound(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withoutTemporal(t))
	fx.createDayFile(fx.other, schema.Calls, "2026-03-01", "a")
	for _, day := range []string{"2026-03-01", "2026-03-02"} {
		requireError(t, fx.send(fx.program, http.MethodGet, "/v1/Exports/Calls/Days/"+day, nil), 404, 20404, day)
	}
	for _, day := range []string{"today", "2026-02-30", "2026-3-1", "20260301"} {
		requireError(t, fx.send(fx.program, http.MethodGet, "/v1/Exports/Calls/Days/"+day, nil), 400, 20001, day)
	}
}

func TestFetchStatusCanBe200ForClientsThatFollowRedirects(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withoutTemporal(t))
	fx.bulk.FetchStatus = http.StatusOK
	fx.createDayFile(fx.program, schema.Calls, "2026-03-01", "a")
	a := fx.send(fx.program, http.MethodGet, "/v1/Exports/Calls/Days/2026-03-01", nil)
	require.Equal(t, 200, a.status)
	require.Empty(t, a.header.Get("Location"))
	require.NotEmpty(t, decode[twilio.BulkexportsV1DayInstance](t, a.body).RedirectTo)

	to, err := url.Parse(fx.url)
	require.NoError(t, err)
	following := twilioclient.Client(to, fx.program.name, fx.program.secret)
	following.HTTPClient.CheckRedirect = nil
	following.SetAccountSid(fx.program.account)
	day, err := twilio.NewApiServiceWithClient(following).FetchDay("Calls", "2026-03-01")
	require.NoError(t, err)
	require.NotEmpty(t, *day.RedirectTo)
}

func TestLinkIsForbiddenWhileItsAccountIsSuspended(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withoutTemporal(t))
	fx.createDayFile(fx.program, schema.Calls, "2026-03-01", "a")
	link := fx.link(fx.program, schema.Calls, "2026-03-01")
	fx.suspended.Store(true)
	requireError(t, fx.send(anonymous, http.MethodGet, link, nil), 403, 20403)
	fx.suspended.Store(false)
	require.Equal(t, 200, fx.send(anonymous, http.MethodGet, link, nil).status)
}

func TestOwnListsContinueWhereTheLastPageEnded(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withoutTemporal(t))
	for _, query := range []string{
		`insert into satchel.day_files (account_sid, resource_type, day, id, wrapped, records, size, sha256, expires_at)
			select a, 'Calls', date '2025-01-01' + i, 'DF' || md5(a || i::text), 'key', 1, 1, repeat('ab', 32), now() + interval '1 day'
			from unnest($1::text[]) a, generate_series(1, 450) i`,
		`insert into satchel.events (id, account_sid, resource_type, webhook_url, webhook_method, days_completed, days_empty, days_failed, at)
			select md5(a || i::text)::uuid, a, 'Calls', 'https://hooks.example.com/', 'POST', 1, 0, 0, date_trunc('day', now()) - i / 7 * interval '1 hour'
			from unnest($1::text[]) a, generate_series(1, 450) i`,
	} {
		_, err := fx.rows.Exec(query, pq.Array([]string{fx.program.account, fx.other.account}))
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
		require.NoError(t, fx.rows.Select(&want, query, fx.program.account))
		next := ""
		for range 3 {
			a := fx.send(fx.program, http.MethodGet, path+"?before="+next, nil)
			require.Equal(t, 200, a.status, a.body)
			p := decode[part](t, a.body)
			for _, one := range append(p.Files, p.Events...) {
				all = append(all, one.ID)
			}
			if next != "" {
				foreign := fx.send(fx.other, http.MethodGet, path+"?before="+next, nil)
				require.NotContains(t, foreign.body, all[0], path)
				if path == "/v1/bulk/files" {
					require.Equal(t, 400, foreign.status, "a cursor is bound to its account")
				}
			}
			next = p.Next
		}
		require.Empty(t, next, path)
		require.Equal(t, want, all, path)
		require.Equal(t, 400, fx.send(fx.program, http.MethodGet, path+"?before=x", nil).status)
	}
}
