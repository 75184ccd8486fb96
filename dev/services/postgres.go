package services

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	_ "github.com/lib/pq" // the driver of the readiness check
)

// PostgresOptions configure a private Postgres.
type PostgresOptions struct {
	Dir      string // of its data; created if missing
	Log      string
	Port     int
	Password string            // of its one user, satchel
	Volatile bool              // data may be lost in a power cut; much faster
	Settings map[string]string // override those of settings
}

// Postgres is a private Postgres that listens on loopback only.
type Postgres struct {
	*Service
	port     int
	password string
}

// ErrNoPostgres means that the machine has no Postgres programs.
var ErrNoPostgres = errors.New("Postgres' programs (initdb, postgres) are neither in /usr/lib/postgresql, Homebrew nor on PATH")

// NewPostgres finds the Postgres programs and prepares a service that creates the data
// directory at its first start. As root it runs as an unprivileged user.
func NewPostgres(o PostgresOptions) (*Postgres, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	as, err := unprivilegedUser(dir)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	bin, err := PostgresBin(data)
	if err != nil {
		return nil, err
	}
	args := append([]string{"-D", data}, flags(settings(o))...)
	pg := &Postgres{port: o.Port, password: o.Password}
	pg.Service = New(Spec{
		Name: "Postgres", Path: filepath.Join(bin, "postgres"), Args: args, Env: Environ(), Log: o.Log,
		Stop: syscall.SIGINT, Grace: 30 * time.Second, StartTimeout: 3 * time.Minute, as: as,
		Prepare: func(ctx context.Context) error {
			if err := initdb(ctx, bin, dir, o.Password, as); err != nil {
				return err
			}
			return awaitStalePostmaster(ctx, data)
		},
		Ready: pg.ping,
	})
	return pg, nil
}

// URL returns the connection URL of a database.
func (p *Postgres) URL(database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword("satchel", p.password),
		Host: Loopback(p.port), Path: "/" + database, RawQuery: "sslmode=disable"}
	return u.String()
}

// Address returns its host:port.
func (p *Postgres) Address() string { return Loopback(p.port) }

// Exec runs one statement in the maintenance database, such as CREATE DATABASE.
func (p *Postgres) Exec(ctx context.Context, statement string) error {
	db, err := sql.Open("postgres", p.URL("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, statement)
	return err
}

// EnsureDatabase creates the database if it is missing.
func (p *Postgres) EnsureDatabase(ctx context.Context, name string) error {
	db, err := sql.Open("postgres", p.URL("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	var exists bool
	if err := db.QueryRowContext(ctx, `select exists (select from pg_database where datname = $1)`, name).Scan(&exists); err != nil {
		return fmt.Errorf("look for the database %s: %w", name, err)
	}
	if exists {
		return nil
	}
	if _, err := db.ExecContext(ctx, `create database "`+name+`"`); err != nil {
		return fmt.Errorf("make the database %s: %w", name, err)
	}
	return nil
}

func (p *Postgres) ping(ctx context.Context) error {
	return p.Exec(ctx, "select 1")
}

// settings returns the postgresql.conf settings.
func settings(o PostgresOptions) map[string]string {
	s := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"port":                    strconv.Itoa(o.Port),
		"unix_socket_directories": "",
		"max_connections":         "200",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		// Row values are never logged, not even on a development machine.
		"log_error_verbosity":               "terse",
		"log_min_error_statement":           "panic",
		"log_parameter_max_length":          "0",
		"log_parameter_max_length_on_error": "0",
	}
	if o.Volatile {
		s["fsync"], s["synchronous_commit"], s["full_page_writes"] = "off", "off", "off"
		s["max_wal_size"] = "128MB" // the data may be in memory
	}
	for name, value := range o.Settings {
		s[name] = value
	}
	return s
}

// flags returns the settings as command-line flags.
func flags(s map[string]string) []string {
	var args []string
	for name, value := range s {
		args = append(args, "--"+name+"="+value)
	}
	slices.Sort(args)
	return args
}

// initdb creates the data directory atomically: as data.new, which it then renames.
func initdb(ctx context.Context, bin, dir, password string, as identity) error {
	data, partial := filepath.Join(dir, "data"), filepath.Join(dir, "data.new")
	if _, err := os.Stat(filepath.Join(data, "PG_VERSION")); err == nil {
		return nil
	} else if errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("the Postgres data in %s belongs to another user: run this as that user or as root, or remove the directory", dir)
	}
	if err := os.RemoveAll(partial); err != nil {
		return fmt.Errorf("clear %s: %w", partial, err)
	}
	locale := "C"
	if runtime.GOOS == "linux" {
		locale = "C.UTF-8"
	}
	secret := filepath.Join(dir, "password")
	defer os.Remove(secret)
	if err := writeAs(as, secret, password); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", partial, "--username=satchel", "--pwfile="+secret,
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale="+locale, "--no-instructions", "--no-sync")
	cmd.Env, cmd.Dir, cmd.SysProcAttr = Environ(), "/", sysProcAttr(as, syscall.SIGKILL)
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := start(cmd); err != nil {
		return fmt.Errorf("run initdb: %w", err)
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("initdb could not make %s (%w):\n  %s", data, err, strings.ReplaceAll(strings.TrimSpace(output.String()), "\n", "\n  "))
	}
	return os.Rename(partial, data)
}
