package stack

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestASecondStackOnTheSameDataIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	held, err := lock(path)
	require.NoError(t, err)
	_, err = lock(path)
	require.EqualError(t, err, "another stack (process "+strconv.Itoa(os.Getpid())+") is running on this data: stop it first, or give this one its own with DEV_DIR")
	require.NoError(t, held.Close())
	again, err := lock(path)
	require.NoError(t, err)
	require.NoError(t, again.Close())
}

func TestATakenPortNamesTheServiceAndTheVariable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	taken := Ports{Mailbox: l.Addr().(*net.TCPAddr).Port}
	err = taken.resolve(t.Context())
	require.ErrorContains(t, err, "the mailbox")
	require.ErrorContains(t, err, "MAILBOX_PORT")
}

func TestOnePortIsNotForTwoServices(t *testing.T) {
	t.Parallel()
	var free Ports
	require.NoError(t, free.resolve(t.Context()))
	twice := Ports{S3: free.S3, Mailbox: free.S3}
	require.ErrorContains(t, twice.resolve(t.Context()), "is meant for both S3 and the mailbox: set MAILBOX_PORT to another")
}

func TestPortsLeftOpenAreAllDifferent(t *testing.T) {
	t.Parallel()
	var p Ports
	require.NoError(t, p.resolve(t.Context()))
	seen := map[int]bool{}
	for _, port := range []int{p.Web, p.Temporal, p.TemporalUI, p.S3, p.Mailbox, p.Postgres, p.WorkerMetrics, p.ServerMetrics} {
		require.NotZero(t, port)
		require.False(t, seen[port])
		seen[port] = true
	}
}

func TestSecretsAreCreatedOnceAndReadableByTheirOwnerOnly(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "secrets")
	first, err := openSecrets(dir)
	require.NoError(t, err)
	again, err := openSecrets(dir)
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Len(t, first.link, 64)
	require.NotEqual(t, first.link, first.s3)
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 3)
	for _, file := range files {
		info, err := file.Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
}

func TestCleanKeepsBuiltProgramsAndRefusesARunningStack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"bin", "postgres", "log"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o700))
	}
	held, err := lock(filepath.Join(dir, "lock"))
	require.NoError(t, err)
	require.ErrorContains(t, Clean(dir), "is running on this data")
	require.NoError(t, held.Close())
	require.NoError(t, Clean(dir))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.Equal(t, "bin", left[0].Name())
	require.NoError(t, Clean(filepath.Join(dir, "nothing here")))
}
