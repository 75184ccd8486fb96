package e2e

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"satchel/activities/vault"
)

// requireUnreadable puts copies of a removed export's objects back, and tries to
// decrypt them with all keys that are left: the deployment's key, every wrapped
// key in the database, and a new key for the same export.
func requireUnreadable(t *testing.T, export string, copies map[string][]byte) {
	t.Helper()
	st := shared.Stack(t)
	bucket := aws.String(st.Demo.S3.Bucket)
	for key, sealed := range copies {
		_, err := st.S3.Client().PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: aws.String(key), Body: bytes.NewReader(sealed)})
		require.NoError(t, err)
	}
	v, err := vault.Open(t.Context(), vault.Config{
		Bucket: st.Demo.S3.Bucket, Endpoint: st.Demo.S3.Endpoint, KeysetFile: st.KeysetFile(),
	})
	require.NoError(t, err)
	defer v.Close()

	var account string
	require.NoError(t, shared.Stack(t).DB.QueryRow(`select account_sid from satchel.exports where id = $1`, export).Scan(&account))
	_, wrapped, err := v.NewKey(t.Context(), account, export)
	require.NoError(t, err)
	keys := map[string][]byte{export: wrapped}
	accounts := map[string]string{export: account}
	rows, err := shared.Stack(t).DB.Query(`select e.id, e.account_sid, k.wrapped from satchel.export_keys k join satchel.exports e on e.id = k.export_id`)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var id, owner string
		var key []byte
		require.NoError(t, rows.Scan(&id, &owner, &key))
		keys[id], accounts[id] = key, owner
	}
	require.NoError(t, rows.Err())
	for id, wrapped := range keys {
		identity, err := v.Unwrap(t.Context(), wrapped, accounts[id], id)
		require.NoError(t, err)
		for key := range copies {
			_, err := v.Get(t.Context(), key, identity, nil)
			require.ErrorIs(t, err, vault.ErrUnreadable, key)
		}
	}
	for _, a := range st.Demo.Accounts {
		if a.AccountSID == account {
			res, _ := basicClient(t, a.AccountSID, a.AuthToken).do(http.MethodGet, "/v1/account/exports/"+export+"/archive", nil)
			require.Equal(t, http.StatusGone, res.StatusCode)
		}
	}
	_, err = v.Remove(t.Context(), "exports/"+export+"/")
	require.NoError(t, err)
}
