package stack

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"satchel/dev/services"
)

// Options say what a stack is like. The zero value with a Dir is a stack on
// free ports with the windows of production.
type Options struct {
	Dir     string // of everything it keeps; a second start goes on with it
	Ports   Ports
	Windows Windows
	UI      bool     // whether Temporal shows its pages
	Race    bool     // build worker and server with the race detector
	Durable bool     // Postgres' data survives a power cut, and writes take longer
	Env     []string // more of worker's and server's environment; the last word

	// Say hears, in a sentence, what takes longer than a moment. It may be nil.
	Say func(format string, args ...any)
}

// Windows shorten the day for whoever cannot wait for it; 0 leaves a window as
// it is.
type Windows struct {
	Confirm, Download, Cooldown, Collect time.Duration
}

// Ports of the parts on loopback; 0 is any free one.
type Ports struct {
	Web, Temporal, TemporalUI, S3, Mailbox, Postgres, WorkerMetrics, ServerMetrics int
}

// settle fills in free ports and says in a sentence which wanted one is taken.
func (p *Ports) settle(ctx context.Context) error {
	wanted := []struct {
		port           *int
		part, variable string
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
	given := map[int]string{}
	for _, want := range wanted {
		if *want.port == 0 {
			continue
		}
		if other, twice := given[*want.port]; twice {
			return fmt.Errorf("port %d is meant for both %s and %s: set %s to another", *want.port, other, want.part, want.variable)
		}
		if err := services.CheckPort(ctx, want.part, *want.port, want.variable); err != nil {
			return err
		}
		given[*want.port] = want.part
	}
	for _, want := range wanted {
		for *want.port == 0 {
			port, err := services.FreePort()
			if err != nil {
				return err
			}
			if _, twice := given[port]; !twice {
				*want.port, given[port] = port, want.part
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

// environ is the windows as worker and server read them.
func (w Windows) environ() []string {
	var env []string
	for name, window := range map[string]time.Duration{
		"CONFIRM_WINDOW": w.Confirm, "DOWNLOAD_WINDOW": w.Download, "COOLDOWN": w.Cooldown, "COLLECT_PATIENCE": w.Collect,
	} {
		if window != 0 {
			env = append(env, fmt.Sprintf("%s=%s", name, window))
		}
	}
	return env
}
