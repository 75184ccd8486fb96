package download

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"satchel/activities/vault"
	"satchel/schema"
	"satchel/server/limit"
)

// Limits bound what downloads cost one process, and how long they go on.
type Limits struct {
	PerFile    int   // at once
	PerAccount int   // at once
	Memory     int64 // bytes that all downloads together may take

	CheckEvery time.Duration // between two checks that the client may still have the file
	Grace      time.Duration // how long after the file has expired a download may go on
}

// Defaults of Limits. A download manager opens up to 16 connections.
const (
	DefaultPerFile    = 16
	DefaultPerAccount = 32
	DefaultMemory     = 256 << 20

	defaultCheckEvery = time.Minute
	defaultGrace      = 15 * time.Minute
)

func (l Limits) withDefaults() Limits {
	if l.PerFile <= 0 {
		l.PerFile = DefaultPerFile
	}
	if l.PerAccount <= 0 {
		l.PerAccount = DefaultPerAccount
	}
	if l.Memory <= 0 {
		l.Memory = DefaultMemory
	}
	if l.CheckEvery <= 0 {
		l.CheckEvery = defaultCheckEvery
	}
	if l.Grace <= 0 {
		l.Grace = defaultGrace
	}
	return l
}

// Downloads sends the files of one process within its Limits. It is safe for
// concurrent use.
type Downloads struct {
	limits         Limits
	file, account  *limit.Running
	memory         *limit.Memory
	starts         *limit.Rates // of whole files, each of which is an audit row
	inflatedRanges *limit.Rates
}

// New makes Downloads. Limits that are zero have their defaults.
func New(l Limits) *Downloads {
	l = l.withDefaults()
	return &Downloads{
		limits: l, file: limit.NewRunning(l.PerFile), account: limit.NewRunning(l.PerAccount), memory: limit.NewMemory(l.Memory),
		starts:         limit.NewRates(0.2, 100, time.Now),
		inflatedRanges: limit.NewRates(10, 300, time.Now), // each inflates up to one piece in vain
	}
}

const (
	// fullSpeed is how many downloads of one account read ahead as far as is fastest.
	fullSpeed = 4
	// perRequest is about what a download takes besides what it reads ahead: the
	// connection's buffers, and those of the connection to the storage.
	perRequest = 256 << 10
	// retryAfter is how long a client waits that was refused.
	retryAfter = 30 * time.Second
)

// begin counts a download until end is called. The error is Limited where there
// are too many, or too little memory is left. With lean, it takes less memory and
// may be slower.
func (d *Downloads) begin(f Found, part bool) (lean bool, end func(), err error) {
	endFile, ok := d.file.Begin(f.ID)
	if !ok {
		return false, nil, limit.Refuse(limit.FileDownloads, schema.CodeTooManyDownloads, retryAfter,
			"This file is being downloaded too many times at once. Please wait until a download has ended.")
	}
	endAccount, ok := d.account.Begin(f.Account)
	if !ok {
		endFile()
		return false, nil, limit.Refuse(limit.AccountDownloads, schema.CodeTooManyDownloads, retryAfter,
			"Too many files of this account are being downloaded at once. Please wait until a download has ended.")
	}
	bytes := int64(vault.StreamMemory + perRequest)
	if lean = d.account.Count(f.Account) > fullSpeed || !d.memory.Plenty(bytes); lean {
		bytes = vault.LeanMemory + perRequest
	}
	release, ok := d.memory.Reserve(cmp.Or(f.Owner, f.Account), bytes)
	if !ok {
		endAccount()
		endFile()
		return false, nil, limit.Refuse(limit.DownloadMemory, schema.CodeTooManyDownloads, retryAfter,
			"Too many files are being downloaded right now. Please try again in a moment.")
	}
	end = func() {
		release()
		endAccount()
		endFile()
	}
	if err := d.countStart(f, part); err != nil {
		end()
		return false, nil, err
	}
	return lean, end, nil
}

// countStart counts what a download costs however soon it ends.
func (d *Downloads) countStart(f Found, part bool) error {
	if !part {
		return d.countWhole(f)
	}
	if !f.Inflated {
		return nil
	}
	if wait := d.inflatedRanges.Take(f.Account); wait > 0 {
		return limit.Refuse(limit.InflatedRanges, schema.CodeTooManyDownloads, wait,
			"Too many parts of the file were requested. Please request larger parts, or accept gzip.")
	}
	return nil
}

// countWhole counts a download of a whole file, which is an audit row.
func (d *Downloads) countWhole(f Found) error {
	if wait := d.starts.Take(f.ID); wait > 0 {
		return limit.Refuse(limit.DownloadStarts, schema.CodeTooManyDownloads, wait,
			"This file was downloaded from its beginning too many times. Please wait before you download it again.")
	}
	return nil
}

// endedError ends a download that has begun.
type endedError struct{ err error }

func (e *endedError) Error() string { return "the download was ended: " + e.err.Error() }

func (e *endedError) Unwrap() error { return e.err }

// watch calls end once when a download may no longer go on. The caller calls the
// returned function when the download is over.
func (d *Downloads) watch(ctx context.Context, f Found, end func(error)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		expired, check := time.NewTimer(f.Left+d.limits.Grace), time.NewTicker(d.limits.CheckEvery)
		defer expired.Stop()
		defer check.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-expired.C:
				end(&endedError{schema.Errorf(schema.Gone, schema.CodeGone, "The file has expired.")})
				return
			case <-check.C:
			}
			if err := d.stillAllowed(ctx, f); err != nil {
				slog.InfoContext(ctx, "a download was ended", "account", f.Account, "id", f.ID, "err", err)
				end(&endedError{err})
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// checkTimeout is how long one check may take.
const checkTimeout = 10 * time.Second

// stillAllowed returns an error where the download must end. While what decides it
// cannot be asked, the download goes on, until the file has expired at the latest.
func (d *Downloads) stillAllowed(ctx context.Context, f Found) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	for _, check := range f.StillAllowed {
		err := check(ctx)
		switch schema.KindOf(err) {
		case schema.Unauthenticated, schema.Forbidden, schema.NotFound, schema.Gone, schema.Conflict:
			return err
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			slog.WarnContext(ctx, "a download could not be checked", "account", f.Account, "id", f.ID, "err", err)
		}
	}
	return nil
}
