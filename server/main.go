// Command server is Satchel's door: the JSON API, the pages, and the links in
// mails. It starts workflows, sends them signals and reads; it changes no
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
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends us at once
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "server: "+err.Error())
		os.Exit(1)
	}
}

// run serves until ctx ends, then lets running downloads go on for the grace.
// Logs go to stdout as JSON lines.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	told, goOn, err := read(args, stdout, stderr)
	if err != nil || !goOn {
		return err
	}
	s, err := told.settle()
	if err != nil {
		return err
	}
	debug.SetGCPercent(s.GCPercent)
	logger := slog.New(slog.NewJSONHandler(stdout, &slog.HandlerOptions{Level: s.LogLevel}))
	slog.SetDefault(logger)
	if warning := s.warning(); warning != "" {
		logger.WarnContext(ctx, warning)
	}
	p, err := open(ctx, s, logger)
	if err != nil {
		return err
	}
	defer p.close()
	return serve(ctx, s, p, logger)
}

// read parses flags and environment. It answers false where there was only
// help to be shown.
func read(args []string, stdout, stderr io.Writer) (told config, goOn bool, err error) {
	if len(args) > 0 && args[0] == "run" { // all there is to do
		args = args[1:]
	}
	goOn = true
	parser, err := kong.New(&told,
		kong.Name("server"),
		kong.Description("Satchel's pages and API. Every setting is a flag or, better, a variable of the environment. "+
			"Temporal is found by its own variables (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, …), S3's credentials by AWS's own."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { goOn = false }),
		kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: 110}),
		kong.ExplicitGroups([]kong.Group{
			{Key: "data", Title: "Where the data is:"},
			{Key: "web", Title: "Where we are reached:"},
			{Key: "people", Title: "How people sign in:"},
			{Key: "windows", Title: "Promises about hours, for exports asked for from now on:"},
			{Key: "bulk", Title: "Bulk exports; the worker is told the same of webhooks:"},
			{Key: "ops", Title: "For those who run it:"},
		}))
	if err != nil {
		return config{}, false, err
	}
	_, err = parser.Parse(args)
	switch {
	case !goOn:
		err = nil
	case err != nil:
		err = fmt.Errorf("%w (server --help tells what each setting is for, and its variable)", err)
	}
	return told, goOn, err
}
