package services_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/dev/services"
)

func freePort(t *testing.T) int {
	t.Helper()
	port, err := services.FreePort()
	require.NoError(t, err)
	return port
}

func newPostgres(t *testing.T) *services.Postgres {
	t.Helper()
	dir := t.TempDir()
	pg, err := services.NewPostgres(services.PostgresOptions{
		Dir: filepath.Join(dir, "postgres"), Log: filepath.Join(dir, "postgres.log"), Port: freePort(t), Password: "it's a pass/word", Volatile: true,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, pg.Stop()) })
	return pg
}

func TestPostgresKeepsItsDataAfterAKill(t *testing.T) {
	t.Parallel()
	pg := newPostgres(t)
	require.NoError(t, pg.Start(t.Context()))
	require.NoError(t, pg.EnsureDatabase(t.Context(), "there"))
	require.NoError(t, pg.Kill())
	require.NoError(t, pg.Start(t.Context()))
	require.NoError(t, pg.EnsureDatabase(t.Context(), "there"), "a second time is no error")

	db, err := sql.Open("postgres", pg.URL("there"))
	require.NoError(t, err)
	defer db.Close()
	var encoding, collation string
	require.NoError(t, db.QueryRow(`select pg_encoding_to_char(encoding), datcollate from pg_database where datname = current_database()`).Scan(&encoding, &collation))
	require.Equal(t, "UTF8", encoding)
	require.Equal(t, "C.UTF-8", collation)
}

func TestPostgresRefusesAWrongPassword(t *testing.T) {
	t.Parallel()
	pg := newPostgres(t)
	require.NoError(t, pg.Start(t.Context()))
	db, err := sql.Open("postgres", strings.Replace(pg.URL("postgres"), "pass", "guess", 1))
	require.NoError(t, err)
	defer db.Close()
	require.ErrorContains(t, db.Ping(), "password authentication failed")
}

func TestPostgresRunsInADirectoryThatOnlyItsOwnerMayEnter(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "private")
	require.NoError(t, os.Mkdir(dir, 0o700))
	pg, err := services.NewPostgres(services.PostgresOptions{Dir: filepath.Join(dir, "postgres"), Log: filepath.Join(dir, "log"), Port: freePort(t), Password: "secret", Volatile: true})
	require.NoError(t, err)
	require.NoError(t, pg.Start(t.Context()))
	require.NoError(t, pg.Stop())
}

func TestTemporalRestartsAfterAKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	temporal, err := services.NewTemporal(services.TemporalOptions{Log: filepath.Join(dir, "log"), Port: freePort(t), Database: filepath.Join(dir, "temporal.db")})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, temporal.Stop()) })
	require.NoError(t, temporal.Start(t.Context()))
	require.NoError(t, temporal.Kill())
	require.NoError(t, temporal.Start(t.Context()), "its search attributes are there already")
}

func TestAFailedStartEndsWithTheLastLinesOfTheLog(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "service.log")
	require.NoError(t, os.WriteFile(log, []byte("output of an earlier run\n"), 0o600))
	service := services.New(services.Spec{Name: "the kettle", Path: "/bin/sh", Args: []string{"-c", "echo no water >&2; exit 3"}, Log: log,
		Ready: func(context.Context) error { return errors.New("cold") }})
	err := service.Start(t.Context())
	require.EqualError(t, err, "the kettle did not start: it ended at once (exit status 3); its log "+log+" ends with:\n  no water")
}

func TestAServiceThatIsNeverReadyIsKilled(t *testing.T) {
	t.Parallel()
	service := services.New(services.Spec{Name: "the kettle", Path: "/bin/sleep", Args: []string{"1000"}, Log: filepath.Join(t.TempDir(), "log"),
		StartTimeout: 50 * time.Millisecond, Ready: func(context.Context) error { return errors.New("still cold") }})
	require.ErrorContains(t, service.Start(t.Context()), "the kettle did not start: it was not ready after 50ms (still cold)")
	require.Zero(t, service.PID())
}

func TestACrashDiffersFromAStop(t *testing.T) {
	t.Parallel()
	service := services.New(services.Spec{Name: "the kettle", Path: "/bin/sleep", Args: []string{"1000"}, Log: filepath.Join(t.TempDir(), "log")})
	require.NoError(t, service.Start(t.Context()))
	require.NoError(t, syscall.Kill(service.PID(), syscall.SIGKILL))
	<-service.Done()
	require.True(t, service.Crashed())
	require.NoError(t, service.Restart(t.Context()))
	require.NoError(t, service.Stop())
	require.False(t, service.Crashed())
}

func TestATakenPortNamesItsVariable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	require.EqualError(t, services.CheckPort(t.Context(), "the mailbox", port, "MAILBOX_PORT"),
		fmt.Sprintf("port %d, which the mailbox needs, is taken: stop the program that listens on it, or set MAILBOX_PORT to a free port", port))
}

// TestAChildDiesWithItsParent runs this test binary as the parent, and kills it.
func TestAChildDiesWithItsParent(t *testing.T) {
	if os.Getenv("TEST_AS_PARENT") != "" {
		runAsParent(t)
		return
	}
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestAChildDiesWithItsParent$")
	cmd.Env = append(os.Environ(), "TEST_AS_PARENT="+dir)
	require.NoError(t, cmd.Start())
	var child int
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(filepath.Join(dir, "pid"))
		if err != nil {
			return false
		}
		child, err = strconv.Atoi(string(text))
		return err == nil
	}, time.Minute, 10*time.Millisecond)
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait() // the error says that it was killed
	require.Eventually(t, func() bool { return errors.Is(syscall.Kill(child, 0), syscall.ESRCH) }, time.Minute, 10*time.Millisecond)
	require.Eventually(t, func() bool { _, err := os.Stat(filepath.Join(dir, "pid")); return os.IsNotExist(err) }, time.Minute, 10*time.Millisecond)
}

func runAsParent(t *testing.T) {
	dir := os.Getenv("TEST_AS_PARENT")
	pid := filepath.Join(dir, "pid")
	require.NoError(t, services.RunOnExit(`rm "$1"`, pid))
	service := services.New(services.Spec{Name: "a child", Path: "/bin/sleep", Args: []string{"1000"}, Log: filepath.Join(dir, "log")})
	require.NoError(t, service.Start(t.Context()))
	require.NoError(t, os.WriteFile(pid+".new", []byte(strconv.Itoa(service.PID())), 0o600))
	require.NoError(t, os.Rename(pid+".new", pid))
	<-service.Done()
}
