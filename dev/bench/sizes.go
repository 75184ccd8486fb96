package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"satchel/dev/demo"
)

// Size is the measurements of an account of one size.
type Size struct {
	Rows, Text     int64 // Text is bytes of JSON
	Ours, Baseline []time.Duration
	Peak           int64 // memory of the worker, in bytes
}

// Ratio is the time of Satchel divided by that of the baseline.
func (s Size) Ratio() float64 { return median(s.Ours).Seconds() / median(s.Baseline).Seconds() }

// PerMillion is the time of Satchel for a million rows, in seconds.
func (s Size) PerMillion() float64 { return median(s.Ours).Seconds() / float64(s.Rows) * 1e6 }

// Downloads is the measurements of downloads of the same size from Satchel and from S3.
type Downloads struct {
	Bytes       int64
	Ours, Plain []time.Duration
	Server      time.Duration // CPU time of Satchel's server for one download
}

// ServerPerGB is the CPU time of Satchel's server for a GB.
func (d Downloads) ServerPerGB() time.Duration {
	return time.Duration(float64(d.Server) / float64(d.Bytes) * 1e9)
}

// Ratio is the speed of Satchel divided by that of a plain GET.
func (d Downloads) Ratio() float64 { return median(d.Plain).Seconds() / median(d.Ours).Seconds() }

// largestCounted is the largest account, in rows, whose export is downloaded and
// whose cost is counted: larger ones would only take longer.
const largestCounted = 1_000_000

func (b *bench) measureSizes(ctx context.Context) error {
	var counted int64
	for _, rows := range b.Sizes {
		if rows <= largestCounted {
			counted = rows
		}
	}
	for _, rows := range b.Sizes {
		a, err := b.newAccount(ctx, demo.With{Name: "Of one size"})
		if err != nil {
			return err
		}
		if err := b.fill(ctx, a.AccountSID, rows); err != nil {
			return err
		}
		if err := b.measureSize(ctx, a, rows, rows == counted); err != nil {
			return fmt.Errorf("an account of %d rows: %w", rows, err)
		}
		if rows != counted {
			continue
		}
		b.say("Counting what an export of %s rows costs.", grouped(rows))
		if b.report.Large, err = b.countedCost(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// measureSize runs exports and the baseline in turn. It restarts the worker first, so
// that its peak memory is that of this size.
func (b *bench) measureSize(ctx context.Context, a *account, rows int64, download bool) error {
	b.say("Exporting %s rows, by Satchel and by psql in turn, %d times.", grouped(rows), b.Runs)
	if err := b.Worker.Restart(ctx); err != nil {
		return err
	}
	size, interval := Size{}, min(max(time.Duration(rows)*time.Microsecond/10, 25*time.Millisecond), 500*time.Millisecond)
	for i := range b.Runs + 1 {
		e, err := a.makeExport(ctx, interval)
		if err != nil {
			return err
		}
		if size.Rows = e.records(); size.Rows != rows {
			return fmt.Errorf("%d rows were exported", size.Rows)
		}
		size.Text = *e.Size
		if download && i == b.Runs {
			if err := b.measureDownload(ctx, a, e); err != nil {
				return err
			}
		}
		if err := a.remove(ctx, e); err != nil {
			return err
		}
		baseline, err := b.baseline(ctx, a.AccountSID)
		if err != nil {
			return err
		}
		if i > 0 { // the first of each is a warm-up
			size.Ours, size.Baseline = append(size.Ours, e.took()), append(size.Baseline, baseline)
		}
		b.say("  %s by Satchel, %s by psql", seconds(e.took()), seconds(baseline))
	}
	var err error
	if size.Peak, err = peakMemory(b.Worker.PID()); err != nil {
		return err
	}
	b.report.Sizes = append(b.report.Sizes, size)
	return nil
}

// measureDownload downloads the archive and, in turn, an S3 object of the same size.
func (b *bench) measureDownload(ctx context.Context, a *account, e export) error {
	found := &b.report.Download
	fromSatchel := func() (int64, error) {
		res, err := a.send(ctx, http.MethodGet, "/v1/account/exports/"+e.ID+"/archive", nil, map[string]string{"Accept-Encoding": "gzip"})
		if err != nil {
			return 0, err
		}
		defer res.Body.Close()
		if encoding := res.Header.Get("Content-Encoding"); encoding != "gzip" {
			return 0, fmt.Errorf("the content encoding is %q instead of gzip", encoding)
		}
		return io.Copy(io.Discard, res.Body)
	}
	var err error
	if found.Bytes, err = fromSatchel(); err != nil {
		return err
	}
	b.say("Downloading %s, from Satchel and from S3 in turn, %d times.", mebibytes(found.Bytes), b.Runs)
	plain := &s3.GetObjectInput{Bucket: &b.Demo.S3.Bucket, Key: aws.String("plain")}
	storage := b.S3.Client()
	if err := b.putPlain(ctx, storage, *plain.Key, found.Bytes); err != nil {
		return err
	}
	fromS3 := func() (int64, error) {
		got, err := storage.GetObject(ctx, plain)
		if err != nil {
			return 0, err
		}
		defer got.Body.Close()
		return io.Copy(io.Discard, got.Body)
	}
	for i := range b.Runs + 1 {
		for _, source := range []struct {
			get   func() (int64, error)
			times *[]time.Duration
		}{{fromSatchel, &found.Ours}, {fromS3, &found.Plain}} {
			busy, err := cpuTime(b.Server.PID())
			if err != nil {
				return err
			}
			began := time.Now()
			n, err := source.get()
			if err != nil {
				return fmt.Errorf("download: %w", err)
			}
			if n != found.Bytes {
				return fmt.Errorf("download: %d bytes instead of %d", n, found.Bytes)
			}
			took := time.Since(began)
			if busy, err = cpuTimeSince(busy, b.Server.PID()); err != nil {
				return err
			}
			found.Server += busy / time.Duration(b.Runs+1) // downloads from S3 add nothing
			if i > 0 {
				*source.times = append(*source.times, took)
			}
		}
	}
	_, err = storage.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: plain.Bucket, Key: plain.Key})
	return err
}

// putPlain stores an object of random bytes.
func (b *bench) putPlain(ctx context.Context, storage *s3.Client, key string, size int64) error {
	body := make([]byte, size)
	rand.Read(body) //nolint:errcheck // crypto/rand.Read never fails cpuTimeSince Go 1.24
	_, err := storage.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.Demo.S3.Bucket, Key: &key, Body: bytes.NewReader(body)})
	return err
}
