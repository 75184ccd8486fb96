package accountexport_test

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"satchel/activities"
	"satchel/activities/accountexport"
	"satchel/dev/demo"
	"satchel/schema"
)

// damages are what can happen to a stored object.
var damages = map[string]func(sealed []byte) []byte{
	"one bit":   func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
	"header":    func(b []byte) []byte { b[3] ^= 1; return b },
	"cut short": func(b []byte) []byte { return b[:len(b)/2] },
	"gone":      func([]byte) []byte { return nil },
}

// damage alters what is stored under a key.
func (r *fixture) damage(key string, alter func([]byte) []byte) {
	r.t.Helper()
	client := s3.New(s3.Options{
		Region: r.bucket.Region, BaseEndpoint: &r.bucket.Endpoint, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(r.bucket.AccessKey, r.bucket.SecretKey, ""),
	})
	stored, err := client.GetObject(r.t.Context(), &s3.GetObjectInput{Bucket: &r.bucket.Bucket, Key: &key})
	require.NoError(r.t, err)
	sealed, err := io.ReadAll(stored.Body)
	require.NoError(r.t, err)
	if sealed = alter(sealed); sealed == nil {
		_, err = client.DeleteObject(r.t.Context(), &s3.DeleteObjectInput{Bucket: &r.bucket.Bucket, Key: &key})
	} else {
		_, err = client.PutObject(r.t.Context(), &s3.PutObjectInput{Bucket: &r.bucket.Bucket, Key: aws.String(key), Body: bytes.NewReader(sealed)})
	}
	require.NoError(r.t, err)
}

func (r *fixture) pieceKey(c schema.Category, seq int) (key string) {
	r.t.Helper()
	require.NoError(r.t, r.store.SQL().QueryRow(`select object_key from satchel.pieces
		where export_id = $1 and category = $2 and seq = $3`, r.export, c, seq).Scan(&key))
	return key
}

// confirmAnother ends the account's export, if it has one, and confirms another.
func (r *fixture) confirmAnother() {
	r.t.Helper()
	r.exec(`update satchel.exports set status = 'cancelled', available_again_at = null where id = $1`, r.export)
	r.export = schema.NewExportID()
	r.confirm()
}

func (r *fixture) assemble() (archive accountexport.AssembleArchiveResult, err error) {
	err = r.run(r.AssembleArchive, accountexport.AssembleArchiveInput{Export: r.export, Account: r.account.AccountSID}, &archive)
	return archive, err
}

func TestAPieceThatStorageDamagedIsCollectedAgainWithAllThatFollowIt(t *testing.T) {
	const calls = 300
	r := newFixture(t, demo.With{}, map[schema.Category]int64{"calls": calls})
	r.enlargeCalls()
	for name, alter := range damages {
		t.Run(name, func(t *testing.T) {
			r.t = t
			r.confirmAnother()
			r.collectAll()
			intact, damaged := r.pieceKey("calls", 0), r.pieceKey("calls", 1)
			r.damage(damaged, alter)

			_, err := r.assemble()
			require.True(t, nonRetryable(t, err), "no attempt can read it")
			found, ok := activities.Damaged(err)
			require.True(t, ok)
			require.Equal(t, activities.DamagedObject{Category: "calls", ObjectKey: damaged}, found)

			require.NoError(t, r.run(r.CollectCategory, accountexport.CollectCategoryInput{
				Export: r.export, Account: r.account.AccountSID, Category: found.Category, Damaged: found.ObjectKey}, nil))
			require.Equal(t, intact, r.pieceKey("calls", 0), "what is intact is not read again")
			require.NotEqual(t, damaged, r.pieceKey("calls", 1))
			r.complete()
			p := parse(t, r.document())
			var records []struct{ SID string }
			require.NoError(t, json.Unmarshal(p.Data["calls"], &records))
			seen := map[string]bool{}
			for _, c := range records {
				seen[c.SID] = true
			}
			require.Len(t, seen, calls)
			require.Len(t, records, calls)
			require.GreaterOrEqual(t, len(p.Manifest["calls"].Readings), 2, "the manifest says that it was read twice")
		})
	}
}

func TestAnArchiveThatStorageDamagedIsAssembledAgain(t *testing.T) {
	r := newFixture(t, demo.With{Records: true}, nil)
	for name, alter := range damages {
		t.Run(name, func(t *testing.T) {
			r.t = t
			r.confirmAnother()
			r.collectAll()
			archive, err := r.assemble()
			require.NoError(t, err)
			r.damage(archive.ObjectKey, alter)
			err = r.run(r.CompleteExport, accountexport.CompleteExportInput{Export: r.export, Account: r.account.AccountSID, Archive: archive, Windows: schema.DefaultWindows()}, nil)
			require.True(t, nonRetryable(t, err))
			found, ok := activities.Damaged(err)
			require.True(t, ok)
			require.Equal(t, activities.DamagedObject{ObjectKey: archive.ObjectKey}, found)
			e, err := r.store.Export(t.Context(), r.export)
			require.NoError(t, err)
			require.Equal(t, schema.Processing, e.Status, "what is damaged is never completed")
			r.complete()
			parse(t, r.document())
		})
	}
}
