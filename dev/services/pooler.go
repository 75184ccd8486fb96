package services

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// PoolerOptions configure a private pgbouncer.
type PoolerOptions struct {
	Dir      string // of its configuration; created if missing
	Log      string
	Port     int
	Mode     string // session, transaction or statement
	Settings string // further lines of its configuration
	Postgres *Postgres
}

// Pooler is a private pgbouncer in front of a Postgres. It listens on loopback only.
type Pooler struct {
	*Service
	port int
}

// ErrNoPooler means that the machine has no pgbouncer.
var ErrNoPooler = errors.New("pgbouncer is neither in /usr/sbin nor on PATH")

// PoolerPath returns the path of pgbouncer.
func PoolerPath() (string, error) {
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNoPooler
}

// NewPooler prepares a pgbouncer. As root it runs as an unprivileged user.
func NewPooler(o PoolerOptions) (*Pooler, error) {
	path, err := PoolerPath()
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	as, err := unprivilegedUser(dir)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "pgbouncer.ini")
	err = writeAs(as, config, fmt.Sprintf(`[databases]
* = host=127.0.0.1 port=%d user=satchel password=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = %s
default_pool_size = 20
%s`, o.Postgres.port, o.Postgres.password, o.Port, o.Mode, o.Settings))
	if err != nil {
		return nil, err
	}
	p := &Pooler{port: o.Port}
	p.Service = New(Spec{
		Name: "pgbouncer", Path: path, Args: []string{config}, Env: Environ(), Log: o.Log,
		Stop: syscall.SIGINT, Grace: 10 * time.Second, as: as,
		Ready: func(ctx context.Context) error {
			db, err := sql.Open("postgres", p.URL("postgres"))
			if err != nil {
				return err
			}
			defer db.Close()
			return db.PingContext(ctx)
		},
	})
	return p, nil
}

// URL returns the connection URL of a database.
func (p *Pooler) URL(database string) string {
	u := url.URL{Scheme: "postgres", User: url.User("satchel"), Host: Loopback(p.port), Path: "/" + database, RawQuery: "sslmode=disable"}
	return u.String()
}
