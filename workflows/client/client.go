// Package client holds every call on a Temporal client that concerns our workflows: it
// starts, signals, updates and describes runs, and manages their schedules.
package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"
)

// Options are the client options that worker and server must agree on. The address
// and the rest come from Temporal's own TEMPORAL_… variables.
func Options(logger *slog.Logger) (client.Options, error) {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return client.Options{}, fmt.Errorf("read Temporal's settings: %w", err)
	}
	options.Logger = log.NewStructuredLogger(logger)
	return options, nil
}

// IsOpen reports whether a run of this workflow ID is open.
func IsOpen(ctx context.Context, c client.Client, id string) (bool, error) {
	description, err := c.DescribeWorkflowExecution(ctx, id, "")
	if isNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("describe the run of %s: %w", id, err)
	}
	return description.GetWorkflowExecutionInfo().GetCloseTime() == nil, nil
}

func isNotFound(err error) bool {
	_, notFound := errors.AsType[*serviceerror.NotFound](err)
	return notFound
}
