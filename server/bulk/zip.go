package bulk

import (
	"archive/zip"
	"compress/flate"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"satchel/activities/vault"
	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/auth"
	"satchel/server/download"
)

// ManifestName is the last entry of the zip of a job. A zip without it is not whole.
const ManifestName = "manifest.json"

// manifest says which days of a job are in its zip.
type manifest struct {
	Job      string              `json:"job"`
	Name     string              `json:"friendly_name"`
	Type     schema.ResourceType `json:"resource_type"`
	Start    schema.Day          `json:"start_day"`
	End      schema.Day          `json:"end_day"`
	Complete bool                `json:"complete"` // no day is missing
	Days     []manifestDay       `json:"days"`
}

// manifestDay is a day of a job.
type manifestDay struct {
	Day     schema.Day `json:"day"`
	Outcome string     `json:"outcome"` // one of the constants below
	File    string     `json:"file,omitempty"`
	Records int64      `json:"records"`
	Size    int64      `json:"size,omitempty"`
	SHA256  string     `json:"sha256,omitempty"`
}

// Outcomes of the days of a job in its zip.
const (
	dayIncluded     = "included"
	dayNoRecords    = "no_records" // there is no file in the zip
	dayMissing      = "missing"    // completed, and its file was deleted or has expired
	dayNotCompleted = "not_completed"
)

// SendJobZip sends the current files of the days that a job has completed, as one zip
// that is made while it is sent. Its last entry, the manifest, names every day of the
// job. Where a file cannot be read, the connection is aborted.
func (b *Bulk) SendJobZip(c echo.Context, p auth.Principal, id string) error {
	ctx := c.Request().Context()
	job, _, err := b.Job(ctx, p, id)
	if err != nil {
		return err
	}
	now, err := b.Store.Now(ctx)
	if err != nil {
		return err
	}
	files, err := b.Store.CurrentDayFiles(ctx, p.Account, job.Type, job.Start, job.End)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return schema.Errorf(schema.NotFound, schema.CodeDayFileNotFound, "This job has no files that can be downloaded.")
	}
	account, err := b.Directory.Account(ctx, p.Account)
	if err != nil {
		return err
	}
	z := &jobZip{Bulk: b, actor: p.Actor()}
	left := files[0].ExpiresAt.Sub(now) // until the first of them expires
	for _, f := range files {
		left = min(left, f.ExpiresAt.Sub(now))
	}
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "application/zip")
	h.Set(echo.HeaderContentDisposition, fmt.Sprintf(`attachment; filename="%s-%s-to-%s.zip"`, job.Type, job.Start, job.End))
	h.Set(echo.HeaderCacheControl, "private, no-store, no-transform")
	h.Set("X-Accel-Buffering", "no")
	return b.Downloads.Stream(c, download.Found{
		Account: p.Account, Owner: account.Owner(), ID: job.ID, Left: left,
		StillAllowed: []func(context.Context) error{
			func(ctx context.Context) error { return auth.StillAllowed(ctx, c) },
			z.stillAllowed,
		},
	}, func(ctx context.Context, to io.Writer, lean bool) error { return z.write(ctx, to, job, lean) })
}

// jobZip is a zip that is being sent.
type jobZip struct {
	*Bulk
	actor   string
	sending atomic.Pointer[schema.DayFile]
}

func (z *jobZip) stillAllowed(ctx context.Context) error {
	if f := z.sending.Load(); f != nil {
		return z.Store.DayDownloadAllowed(ctx, f.ID, f.ExpiresAt)
	}
	return nil
}

func (z *jobZip) write(ctx context.Context, to io.Writer, job schema.Job, lean bool) error {
	out := zip.NewWriter(to)
	// Entries are gzip files. Deflate without compression, unlike Store, can be read as a stream.
	out.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.NoCompression) })
	m := manifest{Job: job.ID, Name: job.Name, Type: job.Type, Start: job.Start, End: job.End, Complete: true}
	for _, d := range job.Days {
		entry, err := z.writeDay(ctx, out, job, d, lean)
		if err != nil {
			return err
		}
		m.Complete = m.Complete && (entry.Outcome == dayIncluded || entry.Outcome == dayNoRecords)
		m.Days = append(m.Days, entry)
	}
	w, err := out.CreateHeader(&zip.FileHeader{Name: ManifestName, Method: zip.Deflate, Modified: time.Now().UTC()})
	if err != nil {
		return err
	}
	lines := json.NewEncoder(w)
	lines.SetIndent("", "  ")
	if err := lines.Encode(m); err != nil {
		return err
	}
	return out.Close()
}

// writeDay adds the file of a day, if there is one with records.
func (z *jobZip) writeDay(ctx context.Context, out *zip.Writer, job schema.Job, d schema.JobDay, lean bool) (manifestDay, error) {
	entry := manifestDay{Day: d.Day, Outcome: dayNotCompleted}
	if d.Status != schema.DayCompleted && d.Status != schema.DayCompletedEmpty {
		return entry, nil
	}
	f, content, err := z.openDay(ctx, job, d.Day, lean)
	if isGone(err) { // perhaps a newer file has just replaced it
		f, content, err = z.openDay(ctx, job, d.Day, lean)
	}
	switch {
	case isGone(err) && d.Status == schema.DayCompletedEmpty:
		entry.Outcome = dayNoRecords
		return entry, nil
	case isGone(err):
		entry.Outcome = dayMissing
		return entry, nil
	case err != nil:
		return entry, err
	case content == nil:
		entry.Outcome = dayNoRecords
		return entry, nil
	}
	defer content.Close() //nolint:errcheck // it was only read
	stream := content.Stream()
	defer stream.Close() //nolint:errcheck // it was only read
	z.sending.Store(&f)
	defer z.sending.Store(nil)
	if err := z.Store.AuditDownload(ctx, store.AuditEvent{
		Account: f.Account, Subject: f.ID, Actor: z.actor, Details: map[string]any{"whole": true, "zip": job.ID},
	}, true); err != nil {
		return entry, err
	}
	w, err := out.CreateHeader(&zip.FileHeader{Name: fileName(f), Method: zip.Deflate, Modified: f.CreatedAt.UTC()})
	if err != nil {
		return entry, err
	}
	n, err := io.Copy(w, stream)
	if err == nil && n != f.Size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return entry, fmt.Errorf("add day file %s to the zip of its job: %w", f.ID, err)
	}
	return manifestDay{d.Day, dayIncluded, fileName(f), f.Records, f.Size, f.SHA256}, nil
}

// openDay opens the current file of a day. A file without records is not opened.
func (z *jobZip) openDay(ctx context.Context, job schema.Job, day schema.Day, lean bool) (schema.DayFile, *vault.Reader, error) {
	f, err := z.Store.DayFile(ctx, job.Account, job.Type, day)
	if err != nil || f.Records == 0 {
		return f, nil, err
	}
	f, wrapped, err := z.Store.OpenDayFile(ctx, f.ID)
	if err != nil {
		return f, nil, err
	}
	content, err := download.Object{
		Kind: "day file", Account: f.Account, ID: f.ID, Wrapped: wrapped, Key: schema.DayFileObject(f.ID), Size: f.Size,
		Exists: func(ctx context.Context) error {
			_, _, err := z.Store.OpenDayFile(ctx, f.ID)
			return err
		},
	}.Open(ctx, z.Vault, lean)
	return f, content, err
}

// isGone reports whether a file is no longer there, which the manifest says.
func isGone(err error) bool {
	kind := schema.KindOf(err)
	return kind == schema.NotFound || kind == schema.Gone
}
