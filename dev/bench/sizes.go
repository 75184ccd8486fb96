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

// Size is an account of one size, exported by us and by hand.
type Size struct {
	Rows, Text, Gzip int64
	Ours, ByHand     []time.Duration
	Peak             int64 // of the worker's memory, bytes
}

// Ratio is how long we take where doing it by hand takes 1.
func (s Size) Ratio() float64 { return median(s.Ours).Seconds() / median(s.ByHand).Seconds() }

// PerMillion is how long we take for a million rows.
func (s Size) PerMillion() float64 { return median(s.Ours).Seconds() / float64(s.Rows) * 1e6 }

// Downloads is the same bytes, downloaded from us and from S3.
type Downloads struct {
	Bytes         int64
	Ours, Plainly []time.Duration
	Server        time.Duration // of the processors, in our server, for one download
}

// ServerPerGB is how much of the processors a GB costs our server.
func (d Downloads) ServerPerGB() time.Duration {
	return time.Duration(float64(d.Server) / float64(d.Bytes) * 1e9)
}

// Ratio is how fast we are where a plain GET has speed 1.
func (d Downloads) Ratio() float64 { return median(d.Plainly).Seconds() / median(d.Ours).Seconds() }

// largestCounted is up to how many rows an export is downloaded and its cost
// counted: beyond, it would only take longer.
const largestCounted = 1_000_000

func (b *bench) measureSizes(ctx context.Context) error {
	var counted int64
	for _, rows := range b.Sizes {
		if rows <= largestCounted {
			counted = rows
		}
	}
	for _, rows := range b.Sizes {
		who, err := b.newCustomer(ctx, demo.With{Name: "Of one size"})
		if err != nil {
			return err
		}
		if err := b.fill(ctx, who.account.AccountSID, rows); err != nil {
			return err
		}
		if err := b.measureSize(ctx, who, rows, rows == counted); err != nil {
			return fmt.Errorf("an account of %d rows: %w", rows, err)
		}
		if rows != counted {
			continue
		}
		b.say("Counting what an export of %s rows costs.", grouped(rows))
		if b.report.Large, err = b.countedCost(ctx, who); err != nil {
			return err
		}
	}
	return nil
}

// measureSize takes turns with what is made by hand. The worker is a new one,
// so that its peak is that of this size.
func (b *bench) measureSize(ctx context.Context, who *customer, rows int64, download bool) error {
	b.say("Exporting %s rows, by us and by hand in turn, %d times.", grouped(rows), b.Runs)
	if err := b.Worker.Restart(ctx); err != nil {
		return err
	}
	size, look := Size{}, min(max(time.Duration(rows)*time.Microsecond/10, 25*time.Millisecond), 500*time.Millisecond)
	for i := range b.Runs + 1 {
		e, err := who.makeExport(ctx, look)
		if err != nil {
			return err
		}
		if size.Rows = e.records(); size.Rows != rows {
			return fmt.Errorf("%d rows were exported", size.Rows)
		}
		size.Text = *e.Size
		if download && i == b.Runs {
			if err := b.measureDownload(ctx, who, e); err != nil {
				return err
			}
		}
		if err := who.forget(ctx, e); err != nil {
			return err
		}
		byHand, err := b.byHand(ctx, who.account.AccountSID)
		if err != nil {
			return err
		}
		if i > 0 { // the first of each warms up
			size.Ours, size.ByHand = append(size.Ours, e.took()), append(size.ByHand, byHand)
		}
		b.say("  %s by us, %s by hand", seconds(e.took()), seconds(byHand))
	}
	var err error
	if size.Peak, err = peakMemory(b.Worker.PID()); err != nil {
		return err
	}
	b.report.Sizes = append(b.report.Sizes, size)
	return nil
}

// measureDownload takes turns with a GET of an object of as many bytes.
func (b *bench) measureDownload(ctx context.Context, who *customer, e export) error {
	found := &b.report.Download
	ours := func() (int64, error) {
		res, err := who.ask(ctx, http.MethodGet, "/v1/account/exports/"+e.ID+"/archive", nil, map[string]string{"Accept-Encoding": "gzip"})
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
	b.say("Downloading %s, from us and from S3 in turn, %d times.", mebibytes(found.Bytes), b.Runs)
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
			found.Server += busy / time.Duration(b.Runs+1) // S3's own downloads cost it nothing
			if i > 0 {
				*way.as = append(*way.as, took)
			}
		}
	}
	_, err = storage.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: plain.Bucket, Key: plain.Key})
	return err
}

// putPlain stores so many bytes that nobody can compress.
func (b *bench) putPlain(ctx context.Context, storage *s3.Client, key string, size int64) error {
	body := make([]byte, size)
	rand.Read(body) //nolint:errcheck // crypto/rand.Read never fails since Go 1.24
	_, err := storage.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.Demo.S3.Bucket, Key: &key, Body: bytes.NewReader(body)})
	return err
}
