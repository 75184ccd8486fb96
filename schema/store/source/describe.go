package source

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/lib/pq"
)

// Column is a column of a record: its name, and its type as Postgres'
// format_type spells it, such as "timestamp with time zone" or "text[]".
type Column struct{ Name, Type string }

// Describe returns the columns of a catalog query's records, without _key. The
// query is planned for a null account and reads no row.
func (db *DB) Describe(ctx context.Context, query string) ([]Column, error) {
	return db.DescribeRows(ctx, query, 1)
}

// DescribeRows is Describe for a query for ReadRows with that many parameters.
// It leaves out _at as well.
func (db *DB) DescribeRows(ctx context.Context, query string, params int) ([]Column, error) {
	p, err := db.describe(ctx, query, params)
	if err != nil {
		return nil, err
	}
	return p.columns, nil
}

var errColumns = errors.New("the first column must be _key, and others must follow")

// plan returns the plan of the query, which is made once and cached.
func (db *DB) plan(ctx context.Context, query string, params int) (*queryPlan, error) {
	if cached, ok := db.plans.Load(query); ok {
		return cached.(*queryPlan), nil
	}
	p, err := db.describe(ctx, query, params)
	if err == nil {
		db.plans.Store(query, p)
	}
	return p, err
}

func (db *DB) describe(ctx context.Context, query string, params int) (*queryPlan, error) {
	ctx, cancel := db.withStallLimit(ctx) // describing waits for locks
	defer cancel()
	nulls := make([]any, params)
	names, err := db.columnNames(ctx, query, nulls)
	if err != nil {
		return nil, db.wrap(ctx, "describe query", err)
	}
	if record := trimPrefix(names, "_at"); len(record) < 2 || record[0] != "_key" {
		return nil, fmt.Errorf("describe query: %w", errColumns)
	}
	oids, err := db.columnTypes(ctx, query, names, nulls)
	if err != nil {
		return nil, db.wrap(ctx, "describe query", err)
	}
	types, err := db.types(ctx, oids)
	if err != nil {
		return nil, db.wrap(ctx, "describe query", err)
	}
	p, err := newQueryPlan(query, names, oids, types)
	if err != nil {
		return nil, fmt.Errorf("describe query: %w", err)
	}
	return p, nil
}

// trimPrefix returns names without the first one if that is first.
func trimPrefix(names []string, first string) []string {
	if len(names) > 0 && names[0] == first {
		return names[1:]
	}
	return names
}

// columnNames plans the query for a null account and reads none of its rows.
func (db *DB) columnNames(ctx context.Context, query string, nulls []any) ([]string, error) {
	rows, err := db.pool.QueryContext(ctx, "select * from "+subquery(query)+" limit 0", nulls...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // nothing was read
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	return names, rows.Err()
}

// columnTypes returns the types of the query's columns, which it takes from one
// row of nulls that is made of no row of the query. The driver cannot tell them:
// it knows only built-in types, and sees a domain as its base type.
func (db *DB) columnTypes(ctx context.Context, query string, names []string, nulls []any) ([]int64, error) {
	var types strings.Builder
	for i, name := range names {
		if i > 0 {
			types.WriteString(", ")
		}
		types.WriteString("pg_catalog.pg_typeof(" + column(name) + ")::oid")
	}
	var oids pq.Int64Array
	err := db.pool.QueryRowContext(ctx, "select array["+types.String()+"]"+
		" from (values (1)) one left join (select * from "+subquery(query)+" limit 0) q on true", nulls...).Scan(&oids)
	return oids, err
}

// pgType is a type as Postgres' system catalog describes it.
type pgType struct {
	OID     int64
	Name    string         // as format_type spells it
	Cast    string         // the type to use in a cast: char(n) of any n is bpchar
	Kind    string         // pg_type.typtype
	Base    int64          // of a domain
	Element int64          // of an array
	Names   pq.StringArray // of a composite's attributes
	Fields  pq.Int64Array  // types of a composite's attributes
	ToJSON  bool           // the type has a cast to json, which row_to_json uses
}

// types looks up the types and the types that they are made of.
func (db *DB) types(ctx context.Context, oids []int64) (typeSet, error) {
	tx, err := db.pool.BeginTxx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	// Postgres estimates this as a long query and would spend a second compiling it.
	if _, err := tx.ExecContext(ctx, "set local jit = off"); err != nil {
		return nil, err
	}
	var found []pgType
	err = tx.SelectContext(ctx, &found, `
		with recursive reached(oid) as (
			select unnest($1::pg_catalog.oid[])
			union
			select part.oid from reached join pg_catalog.pg_type t on t.oid = reached.oid,
			lateral (
				select t.typbasetype as oid where t.typtype = 'd'
				union all select t.typelem where t.typsend = 'pg_catalog.array_send'::regproc
				union all select a.atttypid from pg_catalog.pg_attribute a
					where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
			) part
		)
		select t.oid, t.typtype as kind, t.typbasetype as base,
			pg_catalog.format_type(t.oid, null) as name,
			pg_catalog.format_type(t.oid, -1) as cast,
			case when t.typsend = 'pg_catalog.array_send'::regproc then t.typelem else 0 end as element,
			array(select a.attname::text from pg_catalog.pg_attribute a
				where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
				order by a.attnum) as names,
			array(select a.atttypid from pg_catalog.pg_attribute a
				where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
				order by a.attnum) as fields,
			exists (select from pg_catalog.pg_cast c
				where c.castsource = t.oid and c.casttarget = 'pg_catalog.json'::regtype and c.castfunc <> 0) as tojson
		from reached join pg_catalog.pg_type t on t.oid = reached.oid`, pq.Int64Array(oids))
	types := make(typeSet, len(found))
	for _, t := range found {
		types[t.OID] = t
	}
	return types, err
}

// subquery returns the query as a table named q. Its last line may be a comment.
func subquery(query string) string { return "(\n" + query + "\n) q" }

// column returns the qualified name of a column of that table.
func column(name string) string { return "q." + pq.QuoteIdentifier(name) }
