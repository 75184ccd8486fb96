package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"satchel/dev/services"
	"satchel/dev/stack"
	"satchel/dev/tools"
)

// up runs the stack until it is interrupted.
type up struct {
	Dir           string `env:"DEV_DIR" default:".dev" type:"path" help:"Where data, logs and demo.json are kept."`
	Port          int    `env:"PORT" default:"8080" help:"Port of pages and API."`
	Temporal      int    `name:"temporal-port" env:"TEMPORAL_PORT" default:"7233" help:"Port of Temporal."`
	TemporalUI    int    `name:"temporal-ui-port" env:"TEMPORAL_UI_PORT" default:"8233" help:"Port of Temporal's UI."`
	S3            int    `name:"s3-port" env:"S3_PORT" default:"7070" help:"Port of the S3 server."`
	Mailbox       int    `name:"mailbox-port" env:"MAILBOX_PORT" default:"8025" help:"Port of the mailbox."`
	Postgres      int    `name:"postgres-port" env:"POSTGRES_PORT" default:"55432" help:"Port of Postgres."`
	WorkerMetrics int    `name:"worker-metrics-port" env:"WORKER_METRICS_PORT" default:"9091" help:"Port of the worker's metrics and health."`
	ServerMetrics int    `name:"server-metrics-port" env:"SERVER_METRICS_PORT" default:"9090" help:"Port of the server's metrics."`
}

// Run runs `dev up`.
func (u up) Run(ctx context.Context) error {
	began := time.Now()
	if err := install(ctx, tools.Stack, tools.Postgres); err != nil {
		return err
	}
	s, err := stack.Start(ctx, stack.Options{
		Dir: u.Dir, UI: true, Durable: true, Say: say,
		Ports: stack.Ports{
			Web: u.Port, Temporal: u.Temporal, TemporalUI: u.TemporalUI, S3: u.S3, Mailbox: u.Mailbox, Postgres: u.Postgres,
			WorkerMetrics: u.WorkerMetrics, ServerMetrics: u.ServerMetrics,
		},
	})
	if err != nil {
		return err
	}
	s.Watch()
	say("Ready after %s.\n", time.Since(began).Round(100*time.Millisecond))
	fmt.Print(startMessage(s.Demo, s.Postgres.Address(), s.Logs(), s.DemoFile()))
	<-ctx.Done()
	say("\nStopping.")
	return s.Stop()
}

func install(ctx context.Context, list []tools.Tool, programs ...tools.Program) error {
	root, err := services.Root()
	if err != nil {
		return err
	}
	if err := tools.Provide(ctx, say, programs...); err != nil {
		return err
	}
	return tools.Install(ctx, filepath.Join(root, ".dev", "bin"), list, say)
}

// startMessage lists the addresses of the services and the sign-in links.
func startMessage(d stack.Demo, postgres, logs, file string) string {
	var b strings.Builder
	for _, line := range [][2]string{
		{"Pages and API", d.BaseURL},
		{"Mailbox", d.MailboxURL},
		{"Temporal's UI", d.TemporalUIURL},
		{"Temporal", d.TemporalAddress},
		{"S3", d.S3.Endpoint + ", bucket " + d.S3.Bucket},
		{"Postgres", postgres},
		{"Logs", logs},
		{"All of this", file},
	} {
		fmt.Fprintf(&b, "  %-14s %s\n", line[0], line[1])
	}
	if len(d.Accounts) > 0 {
		b.WriteString("\nOpen a link to sign in:\n\n")
	}
	for _, account := range d.Accounts {
		fmt.Fprintf(&b, "  %s\n", account.Name)
		for _, user := range account.Users {
			fmt.Fprintf(&b, "    %-7s %-28s %s\n", user.Role, user.Email, user.SignInURL)
		}
		fmt.Fprintf(&b, "    %-7s curl -u %s:%s %s/v1/account/exports\n", "API", account.APIKey.SID, account.APIKey.Secret, d.BaseURL)
	}
	b.WriteString("\nCtrl-C stops everything.\n")
	return b.String()
}
