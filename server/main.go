// Command server serves Satchel's APIs, its pages and the links in mails. It
// starts workflows, sends them signals and updates, and reads; it changes no
// export itself.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"satchel/activities/program"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills the process
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "server: "+err.Error())
		os.Exit(1)
	}
}

// run serves until ctx ends, then lets running downloads continue for STOP_GRACE.
// Logs go to stdout as JSON lines.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	cfg, ok, err := parse(args, stdout, stderr)
	if err != nil || !ok {
		return err
	}
	s, err := cfg.validate()
	if err != nil {
		return err
	}
	debug.SetGCPercent(s.GCPercent)
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(s.memoryLimit())
	}
	logger := slog.New(slog.NewJSONHandler(stdout, &slog.HandlerOptions{Level: s.LogLevel}))
	slog.SetDefault(logger)
	if warning := s.warning(); warning != "" {
		logger.WarnContext(ctx, warning)
	}
	d, err := newDeps(ctx, s, logger)
	if err != nil {
		return err
	}
	defer d.close()
	return serve(ctx, s, d, logger)
}

// parse reads flags and environment. It returns false after printing help.
func parse(args []string, stdout, stderr io.Writer) (cfg config, ok bool, err error) {
	if len(args) > 0 && args[0] == "run" { // the only command, and the default
		args = args[1:]
	}
	ok = true
	parser, err := kong.New(&cfg,
		kong.Name("server"),
		kong.Description("Satchel's pages and API. Every setting is a flag or, better, a variable of the environment. "+
			"Temporal's address comes from its own variables (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, …), S3's credentials from AWS's own."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { ok = false }),
		kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: 110}),
		kong.ExplicitGroups([]kong.Group{
			{Key: "data", Title: "Where the data is:"},
			{Key: "web", Title: "Where the server is reached:"},
			{Key: "limits", Title: "What one caller may cost the others:"},
			{Key: "people", Title: "How people sign in:"},
			{Key: "windows", Title: "Windows of new account exports:"},
			{Key: "bulk", Title: "Bulk exports:"},
			{Key: "ops", Title: "Operation:"},
		}))
	if err != nil {
		return config{}, false, err
	}
	_, err = program.Parse(parser, args)
	switch {
	case !ok:
		err = nil
	case err != nil:
		err = fmt.Errorf("%w (server --help describes each setting and its variable)", err)
	}
	return cfg, ok, err
}
