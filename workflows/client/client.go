// Package client holds every call on a Temporal client that concerns our workflows: it
// starts, signals, updates and describes runs, and manages their schedules.
package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"
	"google.golang.org/grpc/codes"

	"satchel/schema"
	"satchel/workflows"
)

// Options are the client options that worker and server must agree on. The address
// and the rest come from Temporal's own TEMPORAL_… variables.
func Options(logger *slog.Logger) (client.Options, error) {
	for _, name := range []string{"TEMPORAL_TLS", "TEMPORAL_TLS_DISABLE_HOST_VERIFICATION"} {
		// The library ignores other values, and connects without TLS.
		if value := os.Getenv(name); !slices.Contains([]string{"", "0", "1", "true", "false"}, strings.ToLower(value)) {
			return client.Options{}, fmt.Errorf("%s must be true or false", name)
		}
	}
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return client.Options{}, fmt.Errorf("read Temporal's settings (TEMPORAL_…): %w", err)
	}
	options.Namespace = cmp.Or(options.Namespace, client.DefaultNamespace)
	options.Logger = log.NewStructuredLogger(logger)
	return options, checkAddress(options.HostPort)
}

// checkAddress rejects what gRPC would look for in vain, for good.
func checkAddress(address string) error {
	if address == "" {
		return nil // the library's default
	}
	host, port, err := net.SplitHostPort(strings.TrimPrefix(address, "dns:///"))
	if _, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil || host == "" || strings.Contains(host, "/") {
		return errors.New("TEMPORAL_ADDRESS must be a host and a port, such as temporal.example.com:7233, without http:// or https://")
	}
	return nil
}

// CheckNamespace returns a check that Temporal answers and has the namespace.
func CheckNamespace(c client.Client, namespace string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
		switch serviceerror.ToStatus(err).Code() {
		case codes.OK:
			return nil
		case codes.NotFound:
			return &schema.SetupError{Cause: err, Message: "Temporal has no such namespace: correct TEMPORAL_NAMESPACE, or create it with: temporal operator namespace create"}
		case codes.Unauthenticated, codes.PermissionDenied:
			return &schema.SetupError{Cause: err, Message: "Temporal refuses the credentials: correct TEMPORAL_API_KEY or the certificate of TEMPORAL_TLS_CLIENT_CERT_PATH, and see what they may do in TEMPORAL_NAMESPACE."}
		}
		return unavailable(err)
	}
}

// CheckSearchAttributes returns a check that the namespace has the search attributes
// that runs are started with: without them Temporal rejects each start.
func CheckSearchAttributes(c client.Client, namespace string) func(context.Context) error {
	return func(ctx context.Context) error {
		for _, name := range []string{workflows.AccountAttribute.GetName(), workflows.StatusAttribute.GetName()} {
			// Only attributes of the type Keyword have this operator.
			_, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: namespace, Query: name + " STARTS_WITH 'x'"})
			if serviceerror.ToStatus(err).Code() == codes.InvalidArgument {
				return &schema.SetupError{Cause: err, Message: "The namespace in TEMPORAL_NAMESPACE lacks the search attribute " + name +
					" of the type Keyword: create it with: temporal operator search-attribute create --name " + name + " --type Keyword"}
			}
			if err != nil {
				return unavailable(err)
			}
		}
		return nil
	}
}

func unavailable(err error) error {
	return &schema.Error{Kind: schema.Unavailable, Message: "Temporal does not answer", Cause: err}
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
