package main

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMissingSettingsAreNamedAsTheVariablesThatPeopleSet(t *testing.T) {
	for _, name := range []string{"DATABASE_URL", "LINK_KEY", "S3_BUCKET", "KEYSET_FILE", "KMS_KEY_URI"} {
		t.Setenv(name, "")
		require.NoError(t, os.Unsetenv(name))
	}
	err := start(t.Context(), nil, io.Discard, io.Discard)
	require.ErrorContains(t, err, "not set: DATABASE_URL, LINK_KEY, S3_BUCKET (")
	err = start(t.Context(), []string{"migrate"}, io.Discard, io.Discard)
	require.ErrorContains(t, err, "not set: DATABASE_URL (")

	settings := []string{"--database-url=x", "--link-key=x", "--s3-bucket=x"}
	for change, sentence := range map[string]string{
		"--concurrency=many":                       "CONCURRENCY: ",
		"--keyset-file=a --kms-key-uri=b":          "KEYSET_FILE and KMS_KEY_URI can't be used together",
		"--sweep-every=often":                      "SWEEP_EVERY: ",
		"--catalog-dir=/nowhere":                   "CATALOG_DIR: ",
		"--no-such-flag":                           "unknown flag --no-such-flag",
		"--keyset-file=a --stop-grace=-1s --dev":   "STOP_GRACE must not be negative",
		"--keyset-file=a --concurrency=0 --no-dev": "--no-dev",
	} {
		err := start(t.Context(), append(settings, strings.Fields(change)...), io.Discard, io.Discard)
		require.ErrorContains(t, err, sentence, change)
	}
}
