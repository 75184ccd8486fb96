package catalog_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	_ "github.com/lib/pq" // the driver
	"github.com/stretchr/testify/require"

	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/catalog"
)

var update = flag.Bool("update", false, "rewrite columns.golden")

func TestTheColumnsOfCategoriesAreTheOnesReviewed(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Every field of account exports: its name, where it comes from, its type in\n" +
		"# Postgres, and what it is. Made by: go test ./schema/catalog -update\n")
	exported := exportedFields(t, begin(t, testservices.Database(t)))
	for _, category := range schema.Categories {
		fmt.Fprintf(&b, "\n%s\n", category)
		for _, l := range exported[category] {
			fmt.Fprintf(&b, "  %-17s %-44s %-14s %s\n", l.name, strings.Join(l.sources, " "), l.databaseType, l.description)
		}
	}
	requireReviewed(t, "columns.golden", b.String())
}

// requireReviewed compares a list of exported fields with the one in the file.
func requireReviewed(t *testing.T, file, list string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(list), 0o644))
	}
	reviewed, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(reviewed), list,
		"what is exported has changed: if that is intended, run go test ./schema/catalog -update and have "+file+" reviewed")
}

// exportedField is one field of a record and the table columns in it.
type exportedField struct {
	name, databaseType, description string
	sources                         []string
}

// exportedFields returns the fields of each category's query.
func exportedFields(t testing.TB, tx *sql.Tx) map[schema.Category][]exportedField {
	all := map[schema.Category][]exportedField{}
	c := embedded(t)
	for _, category := range schema.Categories {
		all[category] = fields(t, tx, c.Query(category), c.Columns(category), []string{"_key"}, "")
	}
	return all
}

// fields returns the fields that a query returns after the reader's columns, with
// the types and sources that Postgres gives.
func fields(t testing.TB, tx *sql.Tx, query string, described []catalog.Column, reader []string, args ...any) (all []exportedField) {
	t.Helper()
	rows, err := tx.Query(query, args...)
	require.NoError(t, err)
	types, err := rows.ColumnTypes()
	require.NoError(t, err)
	require.NoError(t, rows.Close())
	require.NoError(t, rows.Err())
	sources := sources(t, tx, query, args...)
	require.Len(t, types, len(reader)+len(described))
	require.Len(t, sources, len(types))
	for i, got := range types {
		if i < len(reader) {
			require.Equal(t, reader[i], got.Name())
			continue
		}
		column := described[i-len(reader)]
		require.Equal(t, column.Name, got.Name())
		all = append(all, exportedField{column.Name, typeName(got), column.Description, sources[i]})
	}
	return all
}

func typeName(t *sql.ColumnType) string {
	name := strings.ToLower(t.DatabaseTypeName())
	if element, ok := strings.CutPrefix(name, "_"); ok {
		return element + "[]"
	}
	return name
}

// plan is the part of EXPLAIN's output that shows where columns come from.
type plan struct {
	Node     string `json:"Node Type"`
	Relation string `json:"Relation Name"`
	Schema   string
	Alias    string
	Output   []string
	Plans    []plan
}

// appends reports whether the plan concatenates others. Only those have an Output.
func (p plan) appends() bool { return p.Node == "Append" || p.Node == "Merge Append" }

// sources returns the table columns in each column of a query.
func sources(t testing.TB, tx *sql.Tx, query string, args ...any) [][]string {
	t.Helper()
	var text string
	require.NoError(t, tx.QueryRow("explain (verbose, format json) "+query, args...).Scan(&text))
	var explained []struct{ Plan plan }
	require.NoError(t, json.Unmarshal([]byte(text), &explained))
	return sourcesOf(t, tx, explained[0].Plan)
}

// sourcesOf returns the table columns in each column of a plan's output.
func sourcesOf(t testing.TB, tx *sql.Tx, p plan) [][]string {
	t.Helper()
	if p.appends() {
		all := sourcesOf(t, tx, p.Plans[0])
		for _, below := range p.Plans[1:] {
			for i, sources := range sourcesOf(t, tx, below) {
				all[i] = append(all[i], sources...)
			}
		}
		return all
	}
	tables, others := map[string]string{}, map[string][]string{}
	tablesOf(p, tables)
	othersOf(t, tx, p, others)
	sources := make([][]string, len(p.Output))
	for i, expression := range p.Output {
		expression = quoted.ReplaceAllString(expression, "''")
		require.NotRegexp(t, `[^~]\*|SubPlan|InitPlan|\$\d`, expression, "its sources cannot be determined: simplify the query")
		for _, found := range columnsIn(t, tx, expression, tables) {
			sources[i] = append(append(sources[i], found), others[found]...)
		}
	}
	return sources
}

// othersOf adds, for an Append below the plan, the columns of its further tables
// by the first table's column in the same place. The plan's output names only
// the first table.
func othersOf(t testing.TB, tx *sql.Tx, p plan, others map[string][]string) {
	for _, below := range p.Plans {
		othersOf(t, tx, below, others)
		if !below.appends() {
			continue
		}
		all := sourcesOf(t, tx, below)
		for i, first := range sourcesOf(t, tx, below.Plans[0]) {
			if len(first) == 0 {
				continue // a constant
			}
			require.Len(t, first, 1, "its sources cannot be determined: simplify the query")
			others[first[0]] = append(others[first[0]], all[i][1:]...)
		}
	}
}

// quoted is a string in an expression; its contents name no column.
var quoted = regexp.MustCompile(`'(?:[^']|'')*'`)

func tablesOf(p plan, tables map[string]string) {
	if p.Relation != "" {
		tables[p.Alias] = p.Schema + "." + p.Relation
	}
	for _, below := range p.Plans {
		tablesOf(below, tables)
	}
}

var named = regexp.MustCompile(`(?:("[^"]+"|\w+)\.)?("[^"]+"|[a-z_]\w*)(\(?)`)

// columnsIn returns the columns that an expression of a plan names. If there is
// one table only, Postgres leaves out its name.
func columnsIn(t testing.TB, tx *sql.Tx, expression string, tables map[string]string) []string {
	var found []string
	for _, m := range named.FindAllStringSubmatch(expression, -1) {
		qualifier, column := strings.Trim(m[1], `"`), strings.Trim(m[2], `"`)
		for alias, table := range tables {
			if m[3] == "" && (alias == qualifier || qualifier == "" && len(tables) == 1) && isColumn(t, tx, table, column) {
				found = append(found, table+"."+column)
			}
		}
	}
	require.NotEmpty(t, found, "%s comes from no column", expression)
	slices.Sort(found)
	return slices.Compact(found)
}

func isColumn(t testing.TB, tx *sql.Tx, table, column string) bool {
	var is bool
	require.NoError(t, tx.QueryRow(`select exists (select from pg_attribute
		where attrelid = $1::regclass and attname = $2 and attnum > 0)`, table, column).Scan(&is))
	return is
}

// begin opens a transaction that is rolled back when the test ends.
func begin(t testing.TB, url string) *sql.Tx {
	t.Helper()
	db, err := sql.Open("postgres", url)
	require.NoError(t, err)
	tx, err := db.BeginTx(context.Background(), nil)
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = tx.Rollback()
		_ = db.Close()
	})
	return tx
}

// typed returns the fields as columns with their types, for ArchiveSchema.
func typed(all map[schema.Category][]exportedField) map[schema.Category][]catalog.Column {
	columns := map[schema.Category][]catalog.Column{}
	for category, fields := range all {
		for _, f := range fields {
			columns[category] = append(columns[category], catalog.Column{
				Name: f.name, DatabaseType: f.databaseType, Nullable: true, Description: f.description,
			})
		}
	}
	return columns
}
