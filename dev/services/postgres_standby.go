package services

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// NewStandby prepares a hot standby that, at its first start, copies the primary and
// then follows it. The primary must be running.
func NewStandby(o PostgresOptions, primary *Postgres) (*Postgres, error) {
	o.Password = primary.password
	pg, err := NewPostgres(o)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	data, as := filepath.Join(dir, "data"), pg.spec.as
	pg.spec.Name = "Postgres standby"
	pg.spec.Prepare = func(ctx context.Context) error {
		if err := baseBackup(ctx, filepath.Dir(pg.spec.Path), data, primary, as); err != nil {
			return err
		}
		return awaitStalePostmaster(ctx, data)
	}
	return pg, nil
}

// baseBackup copies the primary to data, unless data is there already.
func baseBackup(ctx context.Context, bin, data string, primary *Postgres, as identity) error {
	if _, err := os.Stat(filepath.Join(data, "PG_VERSION")); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "pg_basebackup"), "-D", data, "-d", primary.URL("postgres"),
		"--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync")
	cmd.Env, cmd.Dir, cmd.SysProcAttr = Environ(), "/", sysProcAttr(as, syscall.SIGKILL)
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := start(cmd); err != nil {
		return fmt.Errorf("run pg_basebackup: %w", err)
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("pg_basebackup could not make %s (%w): %s", data, err, strings.TrimSpace(output.String()))
	}
	return nil
}
