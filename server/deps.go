package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"satchel/activities/hook"
	"satchel/activities/program"
	"satchel/activities/vault"
	"satchel/schema"
	"satchel/schema/catalog"
	"satchel/schema/directory/demo"
	"satchel/schema/store"
	"satchel/schema/store/source"
	"satchel/schema/store/sqlstate"
	"satchel/server/auth"
	"satchel/workflows"
	workflowclient "satchel/workflows/client"
)

// deps are the dependencies of the server. Each may be unavailable for a while.
type deps struct {
	store        *store.DB
	source       *source.DB
	directory    *source.Directory
	devDirectory auth.DevDirectory // nil except in development
	catalog      *catalog.Catalog
	vault        *vault.Vault
	hooks        *hook.Sender
	temporal     client.Client
	namespace    string // of Temporal
}

// newDeps opens all dependencies. It does not wait for any to answer.
func newDeps(ctx context.Context, s validated, logger *slog.Logger) (d *deps, err error) {
	d = &deps{}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if d.catalog, err = s.Catalog(); err != nil {
		return d, err
	}
	if d.vault, err = s.OpenVault(ctx, s.Dev); err != nil {
		return d, err
	}
	if d.hooks, err = hook.New(s.Hook); err != nil {
		return d, err
	}
	if d.store, err = store.Open(s.DatabaseURL, s.DatabaseConns); err != nil {
		return d, err
	}
	if d.source, err = source.Open(ctx, s.SourceURL(), s.DatabaseConns); err != nil {
		return d, err
	}
	if err = program.CheckSessions(ctx, d.store, d.source); err != nil {
		return d, err
	}
	d.directory = source.NewPlatform(d.source, d.catalog).Directory
	if s.Dev {
		d.devDirectory = d.source.Directory(source.DirectoryQueries{People: demo.People})
	}
	options, err := workflowclient.Options(logger)
	if err != nil {
		return d, err
	}
	d.namespace = options.Namespace
	if d.temporal, err = client.NewLazyClient(options); err != nil {
		return d, fmt.Errorf("prepare to reach Temporal: %w", err)
	}
	return d, nil
}

func (d *deps) close() {
	if d.temporal != nil {
		d.temporal.Close()
	}
	if d.source != nil {
		_ = d.source.Close() // nothing is lost
	}
	if d.store != nil {
		_ = d.store.Close() // nothing is lost
	}
	if d.vault != nil {
		d.vault.Close()
	}
}

// readiness checks the dependencies for GET /readyz.
func (d *deps) readiness(s validated, logger *slog.Logger) *program.Readiness {
	needs := program.Needs{
		Store: d.store, SourceDB: d.source, Source: source.NewPlatform(d.source, d.catalog), Catalog: d.catalog, Vault: d.vault,
		Links:          schema.NewLinks(s.linkKey),
		CheckNamespace: workflowclient.CheckNamespace(d.temporal, d.namespace), CheckSearchAttributes: workflowclient.CheckSearchAttributes(d.temporal, d.namespace),
	}
	if s.host != (auth.Host{}) {
		needs.CheckKeys = auth.CheckKeys(s.JWKSURL)
	}
	return program.NewReadiness(logger, needs.Checks())
}

// ownerOf returns the parent of an account, or the account itself.
func (d *deps) ownerOf(ctx context.Context, account string) (string, error) {
	a, err := d.directory.Account(ctx, account)
	return a.Owner(), err
}

// archiveSchema makes the JSON Schema of the archive from the catalog and the
// types of the columns in the source database.
func (d *deps) archiveSchema(ctx context.Context) ([]byte, error) {
	columns := make(map[schema.Category][]catalog.Column, len(schema.Categories))
	for _, category := range schema.Categories {
		described, err := d.source.Describe(ctx, d.catalog.Query(category))
		if err != nil {
			return nil, describeError(category, err)
		}
		columns[category] = d.catalog.Columns(category)
		if len(columns[category]) != len(described) {
			return nil, fmt.Errorf("describe %s: the catalog has other columns than the database", category)
		}
		for i := range described {
			columns[category][i].DatabaseType = described[i].Type
			columns[category][i].Nullable = true // a query's result column may always be null
		}
	}
	return catalog.ArchiveSchema(columns)
}

// describeError wraps an error of describing a category. Where the server's role
// may not read the columns, which it needs for nothing else, the error is
// Unavailable and says so.
func describeError(c schema.Category, err error) error {
	if sqlstate.Is(err, sqlstate.InsufficientPrivilege) {
		err = &schema.Error{
			Kind: schema.Unavailable, Code: schema.CodeSchemaUnavailable, RetryAfter: time.Minute, Cause: err,
			Message: "This server may not read the columns that the file's schema is made from. Its operator can change that.",
		}
	}
	return fmt.Errorf("describe %s: %w", c, err)
}

// temporalURL returns the URL of an account's run in Temporal's own pages. It is
// nil except in development, because customers see the page that links there.
func (d *deps) temporalURL(s validated) func(account string) string {
	if s.TemporalUIURL == "" || !s.Dev {
		return nil
	}
	return func(account string) string {
		return fmt.Sprintf("%s/namespaces/%s/workflows/%s",
			strings.TrimRight(s.TemporalUIURL, "/"), url.PathEscape(d.namespace), url.PathEscape(workflows.AccountExportID(account)))
	}
}
