package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"satchel/activities/hook"
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

// parts are what the server stands on. Any of them may be away for a while.
type parts struct {
	store     *store.DB
	source    *source.DB
	directory *source.Directory
	everybody auth.Everybody // nil except in development
	catalog   *catalog.Catalog
	vault     *vault.Vault
	hooks     *hook.Sender
	temporal  client.Client
	namespace string // of Temporal
}

// open prepares all parts and refuses settings that cannot be meant. It waits
// for none of them.
func open(ctx context.Context, s settled, logger *slog.Logger) (p *parts, err error) {
	p = &parts{}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.catalog, err = catalog.Open(s.CatalogDir); err != nil {
		return p, err
	}
	if p.vault, err = vault.Open(ctx, s.Vault); err != nil {
		return p, err
	}
	if p.vault.KeyIsForDevelopment() && !s.Dev {
		return p, errors.New("KEYSET_FILE was made for one machine, so others may have it; make one with: worker keyset FILE")
	}
	if p.hooks, err = hook.New(s.Hook); err != nil {
		return p, err
	}
	if p.store, err = store.Open(s.DatabaseURL, s.DatabaseConns); err != nil {
		return p, err
	}
	if p.source, err = source.Open(ctx, s.SourceDatabaseURL, s.DatabaseConns); err != nil {
		return p, err
	}
	p.directory = source.NewPlatform(p.source, p.catalog).Directory
	if s.Dev {
		p.everybody = p.source.Directory(source.DirectoryQueries{People: demo.People})
	}
	options, err := workflowclient.Options(logger)
	if err != nil {
		return p, err
	}
	p.namespace = cmp.Or(options.Namespace, client.DefaultNamespace)
	if p.temporal, err = client.NewLazyClient(options); err != nil {
		return p, fmt.Errorf("prepare to reach Temporal: %w", err)
	}
	return p, nil
}

func (p *parts) close() {
	if p.temporal != nil {
		p.temporal.Close()
	}
	if p.source != nil {
		_ = p.source.Close() // nothing is lost by it
	}
	if p.store != nil {
		_ = p.store.Close() // nothing is lost by it
	}
	if p.vault != nil {
		p.vault.Close()
	}
}

// archiveSchema makes the JSON Schema of the archive from the catalog and the
// types that the source database has for its columns.
func (p *parts) archiveSchema(ctx context.Context) ([]byte, error) {
	columns := make(map[schema.Category][]catalog.Column, len(schema.Categories))
	for _, category := range schema.Categories {
		described, err := p.source.Describe(ctx, p.catalog.Query(category))
		if err != nil {
			return nil, undescribed(category, err)
		}
		columns[category] = p.catalog.Columns(category)
		if len(columns[category]) != len(described) {
			return nil, fmt.Errorf("describe %s: the catalog has other columns than the database", category)
		}
		for i := range described {
			columns[category][i].DatabaseType = described[i].Type
			columns[category][i].Nullable = true // what a query can answer is not known to be never null
		}
	}
	return catalog.ArchiveSchema(columns)
}

// undescribed says that a category's columns cannot be told. Where the server's
// role may not read them, as it need not for all else, somebody has to change
// that first.
func undescribed(c schema.Category, err error) error {
	if sqlstate.Is(err, sqlstate.InsufficientPrivilege) {
		err = &schema.Error{
			Kind: schema.Unavailable, Code: "schema_unavailable", RetryAfter: time.Minute, Cause: err,
			Message: "This server may not read the columns that the file's schema is made from. Whoever runs it can change that.",
		}
	}
	return fmt.Errorf("describe %s: %w", c, err)
}

// operators leads to an account's run in Temporal's own pages, in development;
// elsewhere customers share our pages, and are not to see it.
func (p *parts) operators(s settled) func(account string) string {
	if s.TemporalUIURL == "" || !s.Dev {
		return nil
	}
	return func(account string) string {
		return fmt.Sprintf("%s/namespaces/%s/workflows/%s",
			strings.TrimRight(s.TemporalUIURL, "/"), url.PathEscape(p.namespace), url.PathEscape(workflows.AccountExportID(account)))
	}
}
