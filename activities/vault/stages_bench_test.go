package vault

import (
	"bytes"
	"crypto/sha256"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkSeal encrypts a piece as Put does, without storing it.
func BenchmarkSeal(b *testing.B) {
	v, _ := testVault(b)
	e, body := newExport(b, v), randomBytes(pieceBytes)
	b.SetBytes(pieceBytes)
	b.ReportAllocs()
	var sealed bytes.Buffer
	for b.Loop() {
		require.NoError(b, seal(&sealed, e.prefix+"calls/1", e.recipient, body))
	}
}

// BenchmarkVerify reads an archive back and hashes it, as happens before an export
// is completed.
func BenchmarkVerify(b *testing.B) {
	v, e, key := storedArchive(b)
	b.ReportAllocs()
	for b.Loop() {
		r, err := v.OpenAt(b.Context(), key, e.identity)
		require.NoError(b, err)
		_, err = io.Copy(sha256.New(), io.NewSectionReader(r, 0, r.Size()))
		require.NoError(b, err)
		require.NoError(b, r.Close())
	}
}
