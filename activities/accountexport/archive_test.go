package accountexport_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/activities"
	"satchel/activities/accountexport"
	"satchel/activities/vault"
	"satchel/dev/demo"
	"satchel/schema"
)

// document downloads the archive and holds it against what was announced.
func (r *fixture) document() []byte {
	r.t.Helper()
	d, err := r.store.Download(r.t.Context(), r.account.AccountSID, r.export)
	require.NoError(r.t, err)
	id, err := r.vault.Unwrap(r.t.Context(), d.Wrapped, r.account.AccountSID, r.export)
	require.NoError(r.t, err)
	stored, err := r.vault.OpenAt(r.t.Context(), d.ObjectKey, id)
	require.NoError(r.t, err)
	defer stored.Close()
	require.Equal(r.t, d.GzipSize, stored.Size())
	inflated, err := gzip.NewReader(io.NewSectionReader(stored, 0, stored.Size()))
	require.NoError(r.t, err)
	document, err := io.ReadAll(inflated)
	require.NoError(r.t, err, "the gzip member is whole, and its CRC and size are right")
	require.Equal(r.t, d.Size, int64(len(document)))
	require.Equal(r.t, d.SHA256, digest(document))

	// Reading can begin at every segment, and ends with the same bytes.
	for _, s := range d.Segments {
		text := vault.NewTextReader(stored, d.GzipSize, d.Size, d.Segments)
		_, err := text.Seek(s.TextOffset, io.SeekStart)
		require.NoError(r.t, err)
		rest, err := io.ReadAll(text)
		require.NoError(r.t, err)
		require.True(r.t, bytes.Equal(document[s.TextOffset:], rest), "from %d", s.TextOffset)
		require.NoError(r.t, text.Close())
	}
	return document
}

func digest(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

type parsed struct {
	ExportVersion, AccountID string
	ExportedAt               time.Time
	Data                     map[schema.Category]json.RawMessage
	Manifest                 map[schema.Category]struct {
		Records int64
		SHA256  string
		ReadAt  time.Time

		Readings []schema.Reading
	}
}

func parse(t *testing.T, document []byte) parsed {
	t.Helper()
	var p parsed
	require.NoError(t, json.Unmarshal(document, &p))
	require.Len(t, p.Data, len(schema.Categories))
	for c, m := range p.Manifest {
		require.Equal(t, m.SHA256, digest(p.Data[c]), c)
		var records []json.RawMessage
		require.NoError(t, json.Unmarshal(p.Data[c], &records))
		require.Len(t, records, int(m.Records), c)
		require.False(t, m.ReadAt.Before(p.ExportedAt), "%s: reading began with the export", c)
	}
	return p
}

func TestADocumentOfManyPiecesIsOneDocument(t *testing.T) {
	r := newFixture(t, demo.With{Records: true}, map[schema.Category]int64{"calls": 2_000, "contacts": 500})
	r.confirm()
	r.collectAll()
	place, err := r.store.Checkpoint(t.Context(), r.export, "calls")
	require.NoError(t, err)
	require.Greater(t, place.Pieces, 2)
	r.complete()
	p := parse(t, r.document())
	require.Equal(t, "1.0", p.ExportVersion)
	require.Equal(t, r.account.AccountSID, p.AccountID)
	require.Greater(t, p.Manifest["calls"].Records, int64(2_000-1))
}

func TestAnEmptyCategoryIsAnEmptyArray(t *testing.T) {
	r := newFixture(t, demo.With{}, nil)
	r.confirm()
	r.collectAll()
	r.complete()
	p := parse(t, r.document())
	require.Equal(t, "[]", string(p.Data["calls"]))
	require.EqualValues(t, 1, p.Manifest["account"].Records)
}

func TestNoCategoryIsEmptyAtAMomentThatDoesNotShowTheAccount(t *testing.T) {
	r := newFixture(t, demo.With{}, nil)
	r.confirm()
	err := r.run(r.CollectCategory, accountexport.CollectCategoryInput{Export: r.export, Account: schema.NewAccountID(), Category: "calls"}, nil)
	require.False(t, nonRetryable(t, err))
	place, err := r.store.Checkpoint(t.Context(), r.export, "calls")
	require.NoError(t, err)
	require.False(t, place.Done)
	require.NoError(t, r.collect("calls"))
}

func TestTheSameRecordsGiveTheSamePieces(t *testing.T) {
	r := newFixture(t, demo.With{Records: true}, map[schema.Category]int64{"contacts": 2_000})
	var sections [2]string
	for i := range sections {
		r.export = schema.NewExportID()
		r.confirm()
		r.collectAll()
		r.complete()
		sections[i] = parse(t, r.document()).Manifest["contacts"].SHA256
		require.NoError(t, r.run(r.RemoveArchive, accountexport.RemoveArchiveInput{Export: r.export, Account: r.account.AccountSID, Ending: schema.Ending{Status: schema.Cancelled}}, nil))
	}
	require.Equal(t, sections[0], sections[1])
}

// faultyVault refuses to store after so many pieces, until it is mended.
type faultyVault struct {
	accountexport.Vault
	left atomic.Int64
}

func (v *faultyVault) Put(ctx context.Context, key, recipient string, body []byte) error {
	if v.left.Add(-1) < 0 {
		return errors.New("no route to " + secret)
	}
	return v.Vault.Put(ctx, key, recipient, body)
}

const secret = "+15551234567"

func TestACollectorGoesOnBehindTheLastPieceOfTheLedger(t *testing.T) {
	r := newFixture(t, demo.With{}, map[schema.Category]int64{"calls": 2_500})
	faulty := &faultyVault{Vault: r.Vault}
	r.Vault = faulty
	r.confirm()
	var before schema.Checkpoint
	for attempts := 0; ; attempts++ {
		require.Less(t, attempts, 10)
		faulty.left.Store(1)
		err := r.collect("calls")
		place, placeErr := r.store.Checkpoint(t.Context(), r.export, "calls")
		require.NoError(t, placeErr)
		require.GreaterOrEqual(t, place.Records, before.Records, "progress never goes backwards")
		before = place
		if err == nil {
			require.Positive(t, attempts)
			break
		}
		require.NotContains(t, err.Error(), secret, "what a driver says stays out of histories")
	}
	faulty.left.Store(100)
	r.collectAll()
	r.complete()
	require.EqualValues(t, 2_500, parse(t, r.document()).Manifest["calls"].Records)
}

func TestTwoAttemptsAliveAtOnceLoseNothingAndDoubleNothing(t *testing.T) {
	r := newFixture(t, demo.With{}, map[schema.Category]int64{"calls": 2_500})
	r.confirm()
	var finished atomic.Int64
	var racing sync.WaitGroup
	for range 3 {
		racing.Go(func() {
			if err := r.collect("calls"); err == nil {
				finished.Add(1)
			} else if !strings.Contains(err.Error(), "gone further") {
				t.Errorf("an attempt that is stale says so: %v", err)
			}
		})
	}
	racing.Wait()
	require.Positive(t, finished.Load())
	r.collectAll()
	r.complete()
	p := parse(t, r.document())
	require.EqualValues(t, 2_500, p.Manifest["calls"].Records)
	var calls []struct{ SID string }
	require.NoError(t, json.Unmarshal(p.Data["calls"], &calls))
	seen := map[string]bool{}
	for _, c := range calls {
		require.False(t, seen[c.SID], "a record stands twice")
		seen[c.SID] = true
	}
}

func TestAssemblingTwiceWritesTwoObjectsAndRemovalLeavesNeither(t *testing.T) {
	r := newFixture(t, demo.With{Records: true}, nil)
	r.confirm()
	r.collectAll()
	var first accountexport.AssembleArchiveResult
	require.NoError(t, r.run(r.AssembleArchive, accountexport.AssembleArchiveInput{Export: r.export, Account: r.account.AccountSID}, &first))
	second := r.complete()
	require.NotEqual(t, first.ObjectKey, second.ObjectKey)
	r.document()
	remove := accountexport.RemoveArchiveInput{Export: r.export, Account: r.account.AccountSID, Ending: schema.Ending{Status: schema.Expired, Reason: schema.ReasonDeleted}, By: activities.Satchel}
	require.NoError(t, r.run(r.RemoveArchive, remove, nil))
	require.NoError(t, r.run(r.RemoveArchive, remove, nil), "deleting what is gone succeeds")
	for key, err := range r.vault.Objects(t.Context(), schema.ExportPrefix(r.export)) {
		require.NoError(t, err)
		t.Errorf("left behind: %s", key.Key)
	}
	_, err := r.store.Download(t.Context(), r.account.AccountSID, r.export)
	require.Equal(t, schema.Gone, schema.KindOf(err))
}

func TestWhatWasStoredIsReadBackBeforeItCounts(t *testing.T) {
	r := newFixture(t, demo.With{Records: true}, nil)
	r.confirm()
	r.collectAll()
	var archive accountexport.AssembleArchiveResult
	require.NoError(t, r.run(r.AssembleArchive, accountexport.AssembleArchiveInput{Export: r.export, Account: r.account.AccountSID}, &archive))
	archive.GzipSHA256 = strings.Repeat("0", 64)
	err := r.run(r.CompleteExport, accountexport.CompleteExportInput{Export: r.export, Account: r.account.AccountSID, Archive: archive, Windows: schema.DefaultWindows()}, nil)
	require.ErrorContains(t, err, "what was stored is not what was written")
	require.True(t, nonRetryable(t, err), "it is not read for half a day")
	e, err := r.store.Export(t.Context(), r.export)
	require.NoError(t, err)
	require.Equal(t, schema.Processing, e.Status)

	r.Vault = unreadable{r.Vault}
	err = r.run(r.AssembleArchive, accountexport.AssembleArchiveInput{Export: r.export, Account: r.account.AccountSID}, nil)
	require.ErrorContains(t, err, "vault: cannot be decrypted")
	require.NotContains(t, err.Error(), r.export)
	_, found := activities.Damaged(err)
	require.False(t, found, "what was not read is not known to be damaged")
}

// unreadable is a vault in which no piece opens.
type unreadable struct{ accountexport.Vault }

func (unreadable) Create(_ context.Context, key, _ string, _ func(io.Writer) error) (int64, error) {
	return 0, fmt.Errorf("%s: %w", key, vault.ErrUnreadable)
}
