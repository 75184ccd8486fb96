package main

import (
	"context"
	"path/filepath"

	"satchel/dev/record"
	"satchel/dev/services"
)

// recordCommand records histories for the replay tests.
type recordCommand struct {
	Dir string `default:"workflows/testdata/replay" help:"Where to write them."`
}

// Run runs `dev record`, with a Temporal server of its own.
func (r recordCommand) Run(ctx context.Context) error {
	port, err := services.FreePort()
	if err != nil {
		return err
	}
	root, err := services.Root()
	if err != nil {
		return err
	}
	server, err := services.NewTemporal(services.TemporalOptions{Log: filepath.Join(root, ".dev", "log", "record.log"), Port: port})
	if err != nil {
		return err
	}
	if err := server.Start(ctx); err != nil {
		return err
	}
	if err := record.Run(ctx, server.Address(), r.Dir); err != nil {
		_ = server.Stop() // the first error says more
		return err
	}
	say("Histories are in %s.", r.Dir)
	return server.Stop()
}
