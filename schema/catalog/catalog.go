package catalog

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"satchel/schema"
	"satchel/schema/days"
	"satchel/schema/directory"
)

//go:embed *.sql
var categoryFiles embed.FS

// Catalog is a complete set of linted queries: one for each category, one for
// each resource type of bulk exports, and those of the directory.
type Catalog struct {
	categories map[schema.Category]query
	days       map[schema.ResourceType]query
	erase      string
	directory  map[string]query
}

// Column is one field of a category's records. The catalog knows its name and
// description; the database knows its type.
type Column struct {
	Name         string
	DatabaseType string // as Postgres spells it: int8, timestamptz, text[]
	Nullable     bool
	Description  string
}

// Open returns the catalog in the folder dir, or the built-in one if dir is "".
//
// A company's own catalog has <category>.sql for each of schema.Categories;
// directory/people.sql, account.sql and credentials.sql, and optionally
// signing.sql, subaccounts.sql and call.sql; and optionally the folder days with
// <type>.sql for each of schema.ResourceTypes, and with erase/Calls.sql if calls
// can be erased. Without that folder there are no bulk exports; the built-in queries
// are those of another database. The error names every file and line that is wrong.
func Open(dir string) (*Catalog, error) {
	if dir == "" {
		return Embedded()
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("catalog: %s is not a folder that can be read", dir)
	}
	var dayFiles fs.FS
	ownDays := filepath.Join(dir, "days")
	if _, err := os.Stat(ownDays); !errors.Is(err, fs.ErrNotExist) {
		dayFiles = os.DirFS(ownDays)
	}
	return load(os.DirFS(dir), os.DirFS(filepath.Join(dir, "directory")), dayFiles)
}

// Embedded returns the built-in catalog, for tables like those in
// schema/migrations/platform.
func Embedded() (*Catalog, error) { return load(categoryFiles, directory.Files, days.Files) }

// Query returns the query of a category, ready to be wrapped in another: without
// a semicolon, and without comments at either end. It panics for an unknown
// category.
func (c *Catalog) Query(category schema.Category) string { return c.category(category).text }

// Columns returns the fields of a category's records in order, without their
// types and without _key. It panics for an unknown category.
func (c *Catalog) Columns(category schema.Category) []Column {
	return append([]Column(nil), c.category(category).columns...)
}

// HasDays reports whether the catalog has the queries of bulk exports.
func (c *Catalog) HasDays() bool { return len(c.days) > 0 }

// Day returns the query for the records of a type that account $1 has from $2 up
// to, not including, $3, and for Calls without those in $4. It can be wrapped
// like a category's. It panics for an unknown type.
func (c *Catalog) Day(t schema.ResourceType) string { return c.day(t).text }

// DayColumns returns the fields of a type's records in order, without their
// types. It panics for an unknown type.
func (c *Catalog) DayColumns(t schema.ResourceType) []Column {
	return append([]Column(nil), c.day(t).columns...)
}

// EraseCalls returns the statement that deletes calls $2 of account $1 from the
// archive of old calls, or "" if the catalog has none.
func (c *Catalog) EraseCalls() string { return c.erase }

// People returns the query for the people, as schema.Person, who may sign in to
// account $1.
func (c *Catalog) People() string { return c.directory["people"].text }

// Account returns the query for the schema.Account $1: one row or none.
func (c *Catalog) Account() string { return c.directory["account"].text }

// Credentials returns the query for the schema.Credential of user name $1: one
// row or none.
func (c *Catalog) Credentials() string { return c.directory["credentials"].text }

// Signing returns the query for the sealed auth token of account $1, or "" if
// the catalog has none.
func (c *Catalog) Signing() string { return c.directory["signing"].text }

// Subaccounts returns the query for the subaccounts, as schema.Account, of
// account $1, or "" if the catalog has none.
func (c *Catalog) Subaccounts() string { return c.directory["subaccounts"].text }

// Call returns the query for the UTC day on which call $2 of account $1 was
// made, or "" if the catalog has none.
func (c *Catalog) Call() string { return c.directory["call"].text }

func (c *Catalog) category(category schema.Category) query {
	q, ok := c.categories[category]
	if !ok {
		panic("catalog: no category " + string(category))
	}
	return q
}

func (c *Catalog) day(t schema.ResourceType) query {
	q, ok := c.days[t]
	if !ok {
		panic("catalog: no type " + string(t))
	}
	return q
}

// query is one linted query.
type query struct {
	text    string
	note    string
	columns []Column
}

// directoryQuery is what a query of the directory must look like.
type directoryQuery struct {
	columns  []string // of its rows
	more     string   // a column that rows may have, too
	params   int
	secrets  bool // it may read secrets, or what they are checked against
	optional bool
}

var directoryQueries = map[string]directoryQuery{
	"people":      {columns: []string{"id", "account_sid", "email", "name", "role"}, more: "timezone", params: 1},
	"account":     {columns: []string{"id", "name", "parent", "suspended"}, params: 1},
	"credentials": {columns: []string{"account_sid", "user_id", "role", "secret_sha256", "suspended"}, params: 1, secrets: true},
	"signing":     {columns: []string{"sealed"}, params: 1, secrets: true, optional: true},
	"subaccounts": {columns: []string{"id", "name", "parent", "suspended"}, params: 1, optional: true},
	"call":        {columns: []string{"day"}, params: 2, optional: true},
}

func load(categoryFiles, directoryFiles, dayFiles fs.FS) (*Catalog, error) {
	c := &Catalog{
		categories: make(map[schema.Category]query, len(schema.Categories)),
		days:       make(map[schema.ResourceType]query, len(schema.ResourceTypes)),
		directory:  make(map[string]query, len(directoryQueries)),
	}
	problems := unknownFiles(categoryFiles, "", schema.IsCategory)
	problems = append(problems, unknownFiles(directoryFiles, "directory/", func(name string) bool { return directoryQueries[name].params > 0 })...)
	for _, category := range schema.Categories {
		q, errs := readQuery(categoryFiles, "", string(category), lintCategory)
		problems = append(problems, errs...)
		c.categories[category] = q
	}
	problems = append(problems, c.loadDirectory(directoryFiles)...)
	if dayFiles != nil {
		problems = append(problems, unknownFiles(dayFiles, "days/", schema.IsResourceType)...)
		problems = append(problems, c.loadDays(dayFiles)...)
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("catalog: %w", errors.Join(problems...))
	}
	return c, nil
}

func (c *Catalog) loadDirectory(files fs.FS) (problems []error) {
	for name, want := range directoryQueries {
		if _, err := fs.Stat(files, name+".sql"); want.optional && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		q, errs := readQuery(files, "directory/", name, func(file string, text []byte) (query, []error) {
			return lintDirectory(file, text, want)
		})
		problems = append(problems, errs...)
		c.directory[name] = q
	}
	return problems
}

func (c *Catalog) loadDays(files fs.FS) (problems []error) {
	for _, t := range schema.ResourceTypes {
		q, errs := readQuery(files, "days/", string(t), func(file string, text []byte) (query, []error) {
			return lintDay(file, text, days.Keys[t], days.Params(t))
		})
		problems = append(problems, errs...)
		c.days[t] = q
	}
	if _, err := fs.Stat(files, "erase/Calls.sql"); errors.Is(err, fs.ErrNotExist) {
		return problems
	}
	q, errs := readQuery(files, "days/", "erase/Calls", lintErasure)
	c.erase = q.text
	return append(problems, errs...)
}

// readQuery reads name.sql and lints it. label is how errors name the folder.
func readQuery(folder fs.FS, label, name string, lint func(file string, text []byte) (query, []error)) (query, []error) {
	file := label + name + ".sql"
	text, err := fs.ReadFile(folder, name+".sql")
	if errors.Is(err, fs.ErrNotExist) {
		return query{}, []error{fmt.Errorf("%s: missing", file)}
	}
	if err != nil {
		return query{}, []error{fmt.Errorf("%s: cannot be read: %w", file, errors.Unwrap(err))}
	}
	return lint(file, text)
}

// unknownFiles returns an error for each .sql file that is not read, so that a
// misspelt category is not taken for an exported one.
func unknownFiles(folder fs.FS, label string, isKnown func(name string) bool) []error {
	files, err := fs.Glob(folder, "*.sql")
	if err != nil {
		return []error{err}
	}
	var problems []error
	for _, file := range files {
		if !isKnown(strings.TrimSuffix(path.Base(file), ".sql")) {
			problems = append(problems, fmt.Errorf("%s%s: no query has this name", label, file))
		}
	}
	return problems
}
