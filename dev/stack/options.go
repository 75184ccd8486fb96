package stack

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"satchel/dev/services"
)

// Options configure a stack. With nothing but a Dir it is a stack on free ports
// with the windows of production.
type Options struct {
	Dir     string // of all its data; a second start continues with it
	Ports   Ports
	Windows Windows
	UI      bool     // whether Temporal serves its web UI
	Durable bool     // Postgres' data survives a power cut; writes take longer
	Env     []string // of worker and server; overrides what the stack sets

	// Say reports progress, in sentences. It may be nil.
	Say func(format string, args ...any)
}

// Windows override the default windows of exports; 0 keeps a default.
type Windows struct {
	Confirm, Download, Cooldown, Collect time.Duration
}

// Ports are those of the services on loopback; 0 means any free port.
type Ports struct {
	Web, Temporal, TemporalUI, S3, Mailbox, Postgres, WorkerMetrics, ServerMetrics int
}

// resolve replaces 0 by free ports, and returns an error that names the variable
// if a given port is taken.
func (p *Ports) resolve(ctx context.Context) error {
	ports := []struct {
		port              *int
		service, variable string
	}{
		{&p.Web, "the server", "PORT"},
		{&p.Temporal, "Temporal", "TEMPORAL_PORT"},
		{&p.TemporalUI, "Temporal's UI", "TEMPORAL_UI_PORT"},
		{&p.S3, "S3", "S3_PORT"},
		{&p.Mailbox, "the mailbox", "MAILBOX_PORT"},
		{&p.Postgres, "Postgres", "POSTGRES_PORT"},
		{&p.WorkerMetrics, "the worker's metrics", "WORKER_METRICS_PORT"},
		{&p.ServerMetrics, "the server's metrics", "SERVER_METRICS_PORT"},
	}
	owner := map[int]string{}
	for _, w := range ports {
		if *w.port == 0 {
			continue
		}
		if other, twice := owner[*w.port]; twice {
			return fmt.Errorf("port %d is meant for both %s and %s: set %s to another", *w.port, other, w.service, w.variable)
		}
		if err := services.CheckPort(ctx, w.service, *w.port, w.variable); err != nil {
			return err
		}
		owner[*w.port] = w.service
	}
	for _, w := range ports {
		for *w.port == 0 {
			port, err := services.FreePort()
			if err != nil {
				return err
			}
			if _, twice := owner[port]; !twice {
				*w.port, owner[port] = port, w.service
			}
		}
	}
	return nil
}

func (o *Options) log(name string) string { return filepath.Join(o.Dir, "log", name+".log") }

func (o *Options) say(format string, args ...any) {
	if o.Say != nil {
		o.Say(format, args...)
	}
}

// environ returns the windows as environment variables.
func (w Windows) environ() []string {
	var env []string
	for name, window := range map[string]time.Duration{
		"CONFIRM_WINDOW": w.Confirm, "DOWNLOAD_WINDOW": w.Download, "COOLDOWN": w.Cooldown, "COLLECT_RETRY_WINDOW": w.Collect,
	} {
		if window != 0 {
			env = append(env, fmt.Sprintf("%s=%s", name, window))
		}
	}
	return env
}
