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
	Rows, Text, Gzip int64
	Ours, Baseline   []time.Duration
	Peak             int64 // of the worker's memory, bytes
}

// Ratio is our time divided by the baseline.
func (s Size) Ratio() float64 { return median(s.Ours).Seconds() / median(s.Baseline).Seconds() }

// PerMillion is our time for a million rows, in seconds.
func (s Size) PerMillion() float64 { return median(s.Ours).Seconds() / float64(s.Rows) * 1e6 }

// Downloads is the measurements of the same bytes, from our server and from S3.
type Downloads struct {
	Bytes         int64
	Ours, Plainly []time.Duration
	Server        time.Duration // CPU time of our server, for one download
}

// ServerPerGB is the CPU time of our server for a GB.
func (d Downloads) ServerPerGB() time.Duration {
	return time.Duration(float64(d.Server) / float64(d.Bytes) * 1e9)
}

// Ratio is our speed divided by that of a plain GET.
func (d Downloads) Ratio() float64 { return median(d.Plainly).Seconds() / median(d.Ours).Seconds() }

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

// measureSize alternates with the baseline. It restarts the worker, so that its
// peak memory is that of this size.
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

// measureDownload alternates with a GET of an S3 object of the same size.
func (b *bench) measureDownload(ctx context.Context, a *account, e export) error {
	found := &b.report.Download
	ours := func() (int64, error) {
		res, err := a.send(ctx, http.MethodGet, "/v1/account/exports/"+e.ID+"/archive", nil, map[string]string{"Accept-Encoding": "gzip"})
		if err != nil {
			return 0, err
		}
		defer res.Body.Close()
		if as := res.Header.Get("Content-Encoding"); as != "gzip" {
			return 0, fmt.Errorf("gzip was accepted and %q came", as)
		}
		return io.Copy(io.Discard, res.Body)
	}
	var err error
	if found.Bytes, err = ours(); err != nil {
		return err
	}
	b.say("Downloading %s, from Satchel and from S3 in turn, %d times.", mebibytes(found.Bytes), b.Runs)
	plain := &s3.GetObjectInput{Bucket: &b.Demo.S3.Bucket, Key: aws.String("plain")}
	storage := b.S3.Client()
	if err := b.putPlain(ctx, storage, *plain.Key, found.Bytes); err != nil {
		return err
	}
	plainly := func() (int64, error) {
		got, err := storage.GetObject(ctx, plain)
		if err != nil {
			return 0, err
		}
		defer got.Body.Close()
		return io.Copy(io.Discard, got.Body)
	}
	for i := range b.Runs + 1 {
		for _, way := range []struct {
			get func() (int64, error)
			as  *[]time.Duration
		}{{ours, &found.Ours}, {plainly, &found.Plainly}} {
			busy, err := processorTime(b.Server.PID())
			if err != nil {
				return err
			}
			began := time.Now()
			n, err := way.get()
			if err != nil {
				return fmt.Errorf("download: %w", err)
			}
			if n != found.Bytes {
				return fmt.Errorf("download: %d bytes of %d came", n, found.Bytes)
			}
			took := time.Since(began)
			if busy, err = since(busy, b.Server.PID()); err != nil {
				return err
			}
			found.Server += busy / time.Duration(b.Runs+1) // S3's downloads do not use it
			if i > 0 {
				*way.as = append(*way.as, took)
			}
		}
	}
	_, err = storage.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: plain.Bucket, Key: plain.Key})
	return err
}

// putPlain stores random, incompressible bytes.
func (b *bench) putPlain(ctx context.Context, storage *s3.Client, key string, size int64) error {
	body := make([]byte, size)
	rand.Read(body) //nolint:errcheck // crypto/rand.Read never fails since Go 1.24
	_, err := storage.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.Demo.S3.Bucket, Key: &key, Body: bytes.NewReader(body)})
	return err
}
