package services

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
)

// TemporalOptions configure a Temporal dev server.
type TemporalOptions struct {
	Log  string
	Port int
	// UIPort is 0 for a server without the web UI.
	UIPort int
	// Database is the SQLite file that keeps workflows over a restart; "" keeps
	// them in memory.
	Database string
}

// Temporal is a Temporal dev server with our search attributes.
type Temporal struct {
	*Service
	address string
}

var searchAttributes = []string{"ExportAccount", "ExportStatus"}

// NewTemporal prepares a dev server. temporal-dev.yaml sets what the options do
// not.
func NewTemporal(o TemporalOptions) (*Temporal, error) {
	path, err := Tool("temporal")
	if err != nil {
		return nil, err
	}
	root, err := Root()
	if err != nil {
		return nil, err
	}
	database := o.Database
	if database != "" {
		if database, err = filepath.Abs(database); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(filepath.Dir(database), 0o755); err != nil {
			return nil, fmt.Errorf("make the directory of Temporal's data: %w", err)
		}
	}
	args := []string{"--env-file", filepath.Join(root, "temporal-dev.yaml"), "--env", "dev",
		"server", "start-dev", "--port", strconv.Itoa(o.Port), "--db-filename=" + database}
	for _, name := range searchAttributes {
		args = append(args, "--search-attribute", name+"=Keyword")
	}
	if o.UIPort == 0 {
		args = append(args, "--headless")
	} else {
		args = append(args, "--ui-port", strconv.Itoa(o.UIPort))
	}
	t := &Temporal{address: Loopback(o.Port)}
	t.Service = New(Spec{Name: "Temporal", Path: path, Args: args, Env: Environ(), Log: o.Log, Ready: t.ready})
	return t, nil
}

// Address returns the host:port that clients dial.
func (t *Temporal) Address() string { return t.address }

func (t *Temporal) ready(ctx context.Context) error {
	c, err := client.DialContext(ctx, client.Options{HostPort: t.address, Logger: silent{}})
	if err != nil {
		return err
	}
	defer c.Close()
	known, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: client.DefaultNamespace})
	if err != nil {
		return fmt.Errorf("list its search attributes: %w", err)
	}
	if missing := slices.IndexFunc(searchAttributes, func(name string) bool {
		_, ok := known.GetCustomAttributes()[name]
		return !ok
	}); missing >= 0 {
		return fmt.Errorf("it does not know the search attribute %s yet", searchAttributes[missing])
	}
	return nil
}

// silent discards the client's log: its warnings while the server starts are
// expected.
type silent struct{}

var _ log.Logger = silent{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}
