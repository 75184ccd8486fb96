package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

// storedFile stores a day file of a job as the worker would.
func (fx *fixture) storedFile(job schema.Job, day schema.Day, records int64, text string) schema.NewDayFile {
	fx.t.Helper()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := io.WriteString(z, text)
	require.NoError(fx.t, err)
	require.NoError(fx.t, z.Close())
	sum := sha256.Sum256(packed.Bytes())
	f := schema.NewDayFile{
		ID: schema.NewDayFileID(), Account: job.Account, Type: job.Type, Day: day, Job: job.ID, Records: records,
		Size: int64(packed.Len()), SHA256: hex.EncodeToString(sum[:]), ReadAt: time.Now(), Retention: time.Hour,
	}
	recipient, wrapped, err := fx.deps.vault.NewKey(fx.t.Context(), f.Account, f.ID)
	require.NoError(fx.t, err)
	f.Wrapped = wrapped
	_, err = fx.deps.vault.Create(fx.t.Context(), schema.DayFileObject(f.ID), recipient, func(to io.Writer) error {
		_, err := to.Write(packed.Bytes())
		return err
	})
	require.NoError(fx.t, err)
	fx.exec(`update satchel.job_days set status = 'Running' where job_id = $1 and day = $2`, job.ID, day)
	_, err = fx.deps.store.BulkExports().PublishDayFile(fx.t.Context(), f)
	require.NoError(fx.t, err)
	return f
}

// endedJob is a job of five days: one whose file exists, one without records, one that failed,
// one whose file was deleted, and another one whose file exists.
func (fx *fixture) endedJob() (job schema.Job, first, gone, last schema.NewDayFile) {
	fx.t.Helper()
	job = fx.bulkJob("Autumn review", 5)
	first = fx.storedFile(job, job.Start, 2, "a\nb\n")
	fx.storedFile(job, job.Start.Plus(1), 0, "")
	fx.exec(`update satchel.job_days set status = 'Failed', ended_at = now() where job_id = $1 and day = $2`, job.ID, job.Start.Plus(2))
	gone = fx.storedFile(job, job.Start.Plus(3), 1, "c\n")
	last = fx.storedFile(job, job.End, 1, strings.Repeat("d", 300_000)+"\n")
	fx.exec(`update satchel.day_files set expires_at = now() where id = $1`, gone.ID)
	fx.exec(`update satchel.jobs set ended_at = now() where id = $1`, job.ID)
	return job, first, gone, last
}

func TestAJobIsDownloadedAsOneZipThatNamesEveryDay(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withBucket)
	job, first, _, last := fx.endedJob()
	owner := fx.signedIn(fx.owner)
	at := bulkSettings + "/jobs/" + job.ID + "/zip"
	owner.get(bulkSettings).requirePage(t, http.StatusOK, `href="`+at+`"`)

	got := owner.get(at, "Accept-Encoding", "gzip, br")
	require.Equal(t, http.StatusOK, got.status, got.body)
	require.Equal(t, "application/zip", got.header.Get("Content-Type"))
	require.Equal(t, `attachment; filename="Calls-`+string(job.Start)+`-to-`+string(job.End)+`.zip"`, got.header.Get("Content-Disposition"))
	require.Equal(t, "private, no-store, no-transform", got.header.Get("Cache-Control"))
	require.Empty(t, got.header.Get("Content-Encoding"))
	require.Empty(t, got.header.Get("Accept-Ranges"))

	read, err := zip.NewReader(strings.NewReader(got.body), int64(len(got.body)))
	require.NoError(t, err)
	content := map[string][]byte{}
	for _, entry := range read.File {
		f, err := entry.Open()
		require.NoError(t, err)
		content[entry.Name], err = io.ReadAll(f)
		require.NoError(t, err)
	}
	require.Len(t, content, 3)
	for _, f := range []schema.NewDayFile{first, last} {
		sum := sha256.Sum256(content["Calls-"+string(f.Day)+".json.gz"])
		require.Equal(t, f.SHA256, hex.EncodeToString(sum[:]))
	}
	var m struct {
		Job      string
		Complete bool
		Days     []struct{ Day, Outcome, File, SHA256 string }
	}
	require.NoError(t, json.Unmarshal(content["manifest.json"], &m))
	require.Equal(t, job.ID, m.Job)
	require.False(t, m.Complete)
	var outcomes []string
	for i, d := range m.Days {
		require.Equal(t, string(job.Start.Plus(i)), d.Day)
		outcomes = append(outcomes, d.Outcome)
	}
	require.Equal(t, []string{"included", "no_records", "not_completed", "missing", "included"}, outcomes)

	var audited int
	require.NoError(t, fx.rows.Get(&audited, `select count(*) from satchel.audit where actor = $1 and subject in ($2, $3)`, fx.owner, first.ID, last.ID))
	require.Equal(t, 2, audited, "each file that was sent")

	fx.signedIn(fx.otherOwner).get(at).requirePage(t, http.StatusNotFound)
	fx.signedIn(fx.member).get(at).requirePage(t, http.StatusForbidden)
	fx.anonymous().get(at).requirePage(t, http.StatusUnauthorized)
	head := owner.do(http.MethodHead, at, nil)
	require.Equal(t, http.StatusOK, head.status)
	require.Equal(t, "application/zip", head.header.Get("Content-Type"))
	require.Equal(t, bulkSettings+"#jobs", owner.get(at+"?signed-in").header.Get("Location"))

	fx.exec(`update satchel.day_files set expires_at = now()`)
	none := owner.get(at)
	none.requirePage(t, http.StatusNotFound, "no files that can be downloaded")
	require.Empty(t, none.header.Get("Content-Disposition"))
}

func TestAZipThatCannotBeFinishedBreaksTheConnection(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withBucket)
	job := fx.bulkJob("Autumn review", 2)
	large := make([]byte, 300_000)
	_, err := rand.Read(large) // does not get smaller
	require.NoError(t, err)
	fx.storedFile(job, job.Start, 1, string(large))
	damaged := fx.storedFile(job, job.End, 1, "b\n")
	owner := fx.signedIn(fx.owner)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fx.url+bulkSettings+"/jobs/"+job.ID+"/zip", nil)
	require.NoError(t, err)

	fx.exec(`update satchel.day_files set size = size + 1 where id = $1`, damaged.ID) // what is stored is not what it should be
	res, err := owner.http.Do(req)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode, "the first file was sent")
	_, err = io.ReadAll(res.Body)
	require.Error(t, err, "the connection is broken")
	require.NoError(t, res.Body.Close())

	fx.exec(`update satchel.day_files set size = size + 1 where id <> $1`, damaged.ID)
	failed := owner.get(bulkSettings + "/jobs/" + job.ID + "/zip")
	require.GreaterOrEqual(t, failed.status, 500, "nothing was sent")
	require.NotEqual(t, "application/zip", failed.header.Get("Content-Type"))
}
