package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// commands are the subcommands of dev.
type commands struct {
	Up     up            `cmd:"" default:"withargs" help:"Run everything: Postgres, Temporal with its UI, S3, a mailbox, worker and server. CONFIRM_WINDOW, DOWNLOAD_WINDOW and COOLDOWN (such as 90s) shorten the windows of exports."`
	Tools  toolsCommand  `cmd:"" help:"Build the pinned tools into .dev/bin and find or install Postgres; with --test also pgbouncer, Chromium, Node with npm and a C compiler."`
	Record recordCommand `cmd:"" help:"Record histories of workflows for the replay tests."`
	Fill   fill          `cmd:"" help:"Add any number of rows to an account of the running stack."`
	Bench  benchmark     `cmd:"" help:"Measure speed, memory and cost on a stack of its own, and write the results into the docs."`
	Clean  clean         `cmd:"" help:"Remove the data and logs of up; built programs stay."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	// The first signal stops gracefully; a second one kills this process and all
	// services.
	context.AfterFunc(ctx, stop)

	var cmd commands
	parsed := kong.Parse(&cmd, kong.Name("dev"), kong.Description("Satchel on one machine."), kong.UsageOnError(),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err := parsed.Run(); err != nil {
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			say("Stopped before everything had started.")
			os.Exit(130)
		}
		fmt.Fprintln(os.Stderr, "dev:", err)
		os.Exit(1)
	}
}

// say prints a line to stdout.
func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }
