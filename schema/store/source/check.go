package source

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"satchel/schema"
	"satchel/schema/days"
	"satchel/schema/store/sqlstate"
)

// CheckDirectory reports whether the directory's queries fit the database. It reads
// no row. Its error names each query that does not. The role need not be able to read
// what the queries named unneeded read, since another program needs them.
func (p *Platform) CheckDirectory(ctx context.Context, unneeded ...string) error {
	var problems problems
	for _, q := range []struct {
		name, text string
		params     int
	}{
		{"people", p.queries.People, 1}, {"account", p.queries.Account, 1}, {"credentials", p.queries.Credentials, 1},
		{"signing", p.queries.Signing, 1}, {"subaccounts", p.queries.Subaccounts, 1}, {"call", p.queries.Call, 2},
	} {
		if q.text == "" {
			continue
		}
		_, err := p.db.columnNames(ctx, q.text, make([]any, q.params))
		err = p.db.wrap(ctx, "describe query", err)
		if slices.Contains(unneeded, q.name) {
			err = exceptForbidden(err)
		}
		if err := problems.add(ctx, "directory/"+q.name+".sql", err); err != nil {
			return err
		}
	}
	return problems.err()
}

// CheckRecords reports whether the queries of categories, and with bulk those of days,
// fit the database,
// and whether their records can be read in the order of their keys. It reads no row.
// Its error names each query that does not.
func (p *Platform) CheckRecords(ctx context.Context, bulk bool) error {
	var problems problems
	for _, c := range schema.Categories {
		if err := problems.add(ctx, string(c)+".sql", p.db.checkQuery(ctx, p.catalog.Query(c), 1)); err != nil {
			return err
		}
	}
	for _, t := range schema.ResourceTypes {
		if !bulk {
			break
		}
		if err := problems.add(ctx, "days/"+string(t)+".sql", p.db.checkQuery(ctx, p.catalog.Day(t), days.Params(t))); err != nil {
			return err
		}
	}
	return problems.err()
}

// checkQuery plans the query, and reading its records in the order of their keys and
// from a key on.
func (db *DB) checkQuery(ctx context.Context, query string, params int) error {
	plan, err := db.describe(ctx, query, params)
	if err != nil {
		return err
	}
	rows, err := db.pool.QueryContext(ctx, "select q._key > null::"+plan.keyType+" from "+subquery(query)+" order by "+strings.Join(plan.order, ", ")+" limit 0", make([]any, params)...)
	if err != nil {
		if sqlstate.Is(err, "42883") { // the type has no order
			return unusableKey(plan.keyType)
		}
		return db.wrap(ctx, "order records", err)
	}
	defer rows.Close() //nolint:errcheck // nothing was read
	return db.wrap(ctx, "order records", rows.Err())
}

// unusableKey is an error that names the type of a _key that records cannot be ordered by.
type unusableKey string

func (t unusableKey) Error() string {
	return "_key has the type " + string(t) + ", which Postgres can neither sort nor compare"
}

func isUnusableKey(err error) bool {
	_, is := errors.AsType[unusableKey](err)
	return is
}

// problems are sentences about queries that do not fit.
type problems struct {
	sentences []string
	causes    []error
}

// add adds what err says about a query. It returns the errors that are not about it:
// the database is away.
func (p *problems) add(ctx context.Context, file string, err error) error {
	if err == nil {
		return nil
	}
	if schema.KindOf(err) == schema.Unavailable || ctx.Err() != nil {
		return err
	}
	p.sentences, p.causes = append(p.sentences, file+" "+misfit(err)), append(p.causes, fmt.Errorf("%s: %w", file, err))
	return nil
}

// misfit says why a query does not fit the database.
func misfit(err error) string {
	if key, ok := errors.AsType[unusableKey](err); ok {
		return "is refused: " + key.Error() + ": cast it to text or to another type that it can"
	}
	switch {
	case sqlstate.Is(err, "42P01"), sqlstate.Is(err, "3F000"):
		return "names a table that is not there"
	case sqlstate.Is(err, "42703"):
		return "names a column that is not there"
	case sqlstate.Is(err, "42883"):
		return "names a function or an operator that is not there for these types"
	case sqlstate.Is(err, sqlstate.InsufficientPrivilege):
		return "reads what the role in SOURCE_DATABASE_URL may not: grant it"
	}
	return "is refused; the log has the reason"
}

// err returns one error for all problems, or nil.
func (p *problems) err() error {
	if len(p.sentences) == 0 {
		return nil
	}
	const most = 3
	list := p.sentences
	more := ""
	if len(list) > most {
		more = fmt.Sprintf("; and %d more, which the log names", len(list)-most)
		list = list[:most]
	}
	return &schema.SetupError{
		Message: "The catalog (CATALOG_DIR, or the built-in one where it is not set) does not fit the database in SOURCE_DATABASE_URL: " + strings.Join(list, "; ") + more + ".",
		Cause:   errors.Join(p.causes...),
	}
}

func exceptForbidden(err error) error {
	if sqlstate.Is(err, sqlstate.InsufficientPrivilege) {
		return nil
	}
	return err
}
