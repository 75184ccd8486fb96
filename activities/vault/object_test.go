package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"testing"

	"filippo.io/age"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
)

var sizes = []int{0, 1, ageChunkSize - 1, ageChunkSize, ageChunkSize + 1, maxInMemory - 5000, maxInMemory, maxInMemory + headSize, 1<<20 + 7, partSize, 2*partSize + 12345}

func TestGetReturnsWhatPutStored(t *testing.T) {
	v, _ := testVault(t)
	e := newExport(t, v)
	var buf []byte
	for _, size := range sizes {
		key, body := fmt.Sprintf("%scalls/put-%d", e.prefix, size), randomBytes(size)
		require.NoError(t, v.Put(t.Context(), key, e.recipient, body))
		var err error
		buf, err = v.Get(t.Context(), key, e.identity, buf)
		require.NoError(t, err)
		require.True(t, bytes.Equal(body, buf), "size %d", size)
	}
}

func TestReadersReturnWhatCreateStored(t *testing.T) {
	v, _ := testVault(t)
	e := newExport(t, v)
	for _, size := range sizes {
		key, body := fmt.Sprintf("%sarchive-%d", e.prefix, size), randomBytes(size)
		sealed, err := v.Create(t.Context(), key, e.recipient, writeAll(body))
		require.NoError(t, err)
		require.EqualValues(t, len(raw(t, v, key)), sealed)

		r, err := v.OpenAt(t.Context(), key, e.identity)
		require.NoError(t, err)
		require.EqualValues(t, size, r.Size())
		got, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
		require.NoError(t, err)
		require.True(t, bytes.Equal(body, got), "size %d", size)

		got, err = io.ReadAll(r.Stream())
		require.NoError(t, err)
		require.True(t, bytes.Equal(body, got), "size %d", size)
		require.NoError(t, r.Close())
	}
	require.Empty(t, uploads(t, v, ""))
}

func TestAnyRangeOfAnObjectCanBeRead(t *testing.T) {
	v, _ := testVault(t)
	e := newExport(t, v)
	body := randomBytes(3<<20 + 4321)
	require.NoError(t, v.Put(t.Context(), e.prefix+"archive", e.recipient, body))
	r, err := v.OpenAt(t.Context(), e.prefix+"archive", e.identity)
	require.NoError(t, err)
	defer r.Close()
	for _, at := range []struct{ off, n int }{
		{0, 10}, {1 << 20, 100_000}, {5, 200_000}, {len(body) - 3, 3}, {len(body) - 70_000, 70_000}, {2 << 20, 1}, {0, len(body)}, {100, 0},
	} {
		p := make([]byte, at.n)
		_, err := io.NewSectionReader(r, int64(at.off), int64(at.n)).ReadAt(p, 0)
		if err != io.EOF {
			require.NoError(t, err)
		}
		require.True(t, bytes.Equal(body[at.off:at.off+at.n], p), "%+v", at)
	}
	n, err := r.ReadAt(make([]byte, 100), r.Size()-40)
	require.Equal(t, 40, n)
	require.Equal(t, io.EOF, err)
	_, err = r.ReadAt(make([]byte, 1), r.Size())
	require.Equal(t, io.EOF, err)
	_, err = r.ReadAt(make([]byte, 1), -1)
	require.Error(t, err)
}

// overwrite replaces an object's stored bytes, as an attacker with access to the
// bucket would.
func overwrite(t *testing.T, v *Vault, key string, body []byte) {
	t.Helper()
	_, err := v.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &v.bucket, Key: &key, Body: bytes.NewReader(body)})
	require.NoError(t, err)
}

// readAll reads an object with Get and with a Stream, and requires the same result.
func readAll(t *testing.T, v *Vault, key string, id Identity) ([]byte, error) {
	t.Helper()
	whole, err := v.Get(t.Context(), key, id, nil)
	var parts []byte
	r, partsErr := v.OpenAt(t.Context(), key, id)
	if partsErr == nil {
		parts, partsErr = io.ReadAll(r.Stream())
		require.NoError(t, r.Close())
	}
	if err != nil {
		require.ErrorIs(t, err, ErrUnreadable)
		require.ErrorIs(t, partsErr, ErrUnreadable)
		return nil, err
	}
	require.NoError(t, partsErr)
	require.True(t, bytes.Equal(whole, parts))
	return whole, nil
}

func TestAlteredObjectsAreRejected(t *testing.T) {
	v, _ := testVault(t)
	e := newExport(t, v)
	for _, size := range []int{1000, 5*ageChunkSize + 17, 6 * ageChunkSize} {
		key := fmt.Sprintf("%scalls/1-%d", e.prefix, size)
		require.NoError(t, v.Put(t.Context(), key, e.recipient, randomBytes(size)))
		good := raw(t, v, key)
		header := len(good) - size - ageChunkOverhead*((size+ageChunkSize-1)/ageChunkSize)
		altered := map[string][]byte{
			"empty":          {},
			"header only":    good[:header],
			"half":           good[:len(good)/2],
			"one byte less":  good[:len(good)-1],
			"one byte more":  append(slices.Clone(good), 0),
			"random payload": append(slices.Clone(good[:header]), randomBytes(len(good)-header)...),
		}
		for _, at := range []int{0, 30, header / 2, header - 20, header, header + 500, len(good) - 1} {
			flipped := slices.Clone(good)
			flipped[at] ^= 0x10
			altered[fmt.Sprintf("bit at %d", at)] = flipped
		}
		if chunks := (size + ageChunkSize - 1) / ageChunkSize; chunks > 1 {
			altered["last chunk cut off"] = good[:header+(chunks-1)*(ageChunkSize+ageChunkOverhead)]
			swapped := slices.Clone(good)
			copy(swapped[header:], good[header+ageChunkSize+ageChunkOverhead:header+2*(ageChunkSize+ageChunkOverhead)])
			copy(swapped[header+ageChunkSize+ageChunkOverhead:], good[header:header+ageChunkSize+ageChunkOverhead])
			altered["chunks exchanged"] = swapped
			middle := slices.Clone(good)
			middle[header+3*ageChunkSize] ^= 1
			altered["bit in the middle"] = middle
		}
		for what, body := range altered {
			overwrite(t, v, key, body)
			_, err := readAll(t, v, key, e.identity)
			require.ErrorIs(t, err, ErrUnreadable, what)
		}
		overwrite(t, v, key, good)
		_, err := readAll(t, v, key, e.identity)
		require.NoError(t, err)
	}
}

func TestAnObjectUnderAnotherKeyIsRejected(t *testing.T) {
	v, _ := testVault(t)
	e := newExport(t, v)
	first, second := e.prefix+"calls/1-1", e.prefix+"calls/2-1"
	require.NoError(t, v.Put(t.Context(), first, e.recipient, randomBytes(100)))
	_, err := v.Create(t.Context(), second, e.recipient, writeAll(randomBytes(100)))
	require.NoError(t, err)
	sealedFirst, sealedSecond := raw(t, v, first), raw(t, v, second)
	overwrite(t, v, first, sealedSecond)
	overwrite(t, v, second, sealedFirst)
	for _, key := range []string{first, second} {
		_, err := readAll(t, v, key, e.identity)
		require.ErrorIs(t, err, ErrUnreadable)
	}
}

func TestOnlyTheExportsOwnKeyOpensItsObjects(t *testing.T) {
	v, _ := testVault(t)
	e, other := newExport(t, v), newExport(t, v)
	require.NoError(t, v.Put(t.Context(), e.prefix+"calls/1-1", e.recipient, []byte("a record")))
	_, err := readAll(t, v, e.prefix+"calls/1-1", other.identity)
	require.ErrorIs(t, err, ErrUnreadable)
	_, err = readAll(t, v, e.prefix+"calls/1-1", Identity{})
	require.ErrorIs(t, err, ErrUnreadable)
	require.NotContains(t, string(raw(t, v, e.prefix+"calls/1-1")), "record")
}

func TestObjectsAreOrdinaryAgeFiles(t *testing.T) {
	v, _ := testVault(t)
	e := newExport(t, v)
	require.NoError(t, v.Put(t.Context(), e.prefix+"calls/1-1", e.recipient, []byte("a record")))
	plain, err := age.Decrypt(bytes.NewReader(raw(t, v, e.prefix+"calls/1-1")), e.identity.age)
	require.NoError(t, err)
	got, err := io.ReadAll(plain)
	require.NoError(t, err)
	require.Equal(t, "a record", string(got))
}

func TestObjectsAreNeverOverwritten(t *testing.T) {
	v, _ := testVault(t)
	e := newExport(t, v)
	key := e.prefix + "calls/1-1"
	require.NoError(t, v.Put(t.Context(), key, e.recipient, []byte("first")))
	sum := sha256.Sum256(raw(t, v, key))

	require.ErrorIs(t, v.Put(t.Context(), key, e.recipient, []byte("second")), ErrExists)
	_, err := v.Create(t.Context(), key, e.recipient, writeAll([]byte("third")))
	require.ErrorIs(t, err, ErrExists)
	_, err = v.Create(t.Context(), key, e.recipient, writeAll(randomBytes(2*partSize)))
	require.ErrorIs(t, err, ErrExists)

	require.Equal(t, sum, sha256.Sum256(raw(t, v, key)))
	require.Empty(t, uploads(t, v, ""))
}

func TestMissingObjectsAreErrNotFound(t *testing.T) {
	v, _ := testVault(t)
	e := newExport(t, v)
	_, err := v.Get(t.Context(), e.prefix+"calls/1-1", e.identity, nil)
	require.ErrorIs(t, err, ErrNotFound)
	_, err = v.OpenAt(t.Context(), e.prefix+"calls/1-1", e.identity)
	require.ErrorIs(t, err, ErrNotFound)
}

func TestGetReusesItsBuffer(t *testing.T) {
	v, _ := testVault(t)
	e := newExport(t, v)
	require.NoError(t, v.Put(t.Context(), e.prefix+"a", e.recipient, randomBytes(500_000)))
	require.NoError(t, v.Put(t.Context(), e.prefix+"b", e.recipient, randomBytes(400_000)))
	first, err := v.Get(context.Background(), e.prefix+"a", e.identity, nil)
	require.NoError(t, err)
	second, err := v.Get(context.Background(), e.prefix+"b", e.identity, first)
	require.NoError(t, err)
	require.Same(t, &first[0], &second[0])
	require.True(t, bytes.Equal(randomBytes(400_000), second))
}
