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
	"satchel/schema/directory"
)

//go:embed *.sql
var categories embed.FS

// Catalog is a complete set of linted queries: one for each category and three
// for the directory.
type Catalog struct {
	queries map[schema.Category]query
	people  query
	account query
	creds   query
}

// Column is one field of a category's records. The catalog knows its name and
// description; its type is the database's to say.
type Column struct {
	Name         string
	DatabaseType string // as Postgres calls it: int8, timestamptz, text[]
	Nullable     bool
	Description  string
}

// Embedded returns the catalog that came with the program: the one for tables
// like those in schema/migrations/platform.
func Embedded() (*Catalog, error) { return load(categories, directory.Files) }

// Load reads a company's own catalog: <category>.sql for each of the twelve
// categories, and directory/people.sql, account.sql and credentials.sql. Its
// error names every file and line that will not do.
func Load(dir string) (*Catalog, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("catalog: %s is not a folder that can be read", dir)
	}
	return load(os.DirFS(dir), os.DirFS(filepath.Join(dir, "directory")))
}

// Query returns the query of a category, ready to be wrapped in another: no
// semicolon, no comment at either end. It panics for what is no category.
func (c *Catalog) Query(category schema.Category) string { return c.of(category).text }

// Columns returns the fields of a category's records in order, without their
// types and without _key. It panics for what is no category.
func (c *Catalog) Columns(category schema.Category) []Column {
	return append([]Column(nil), c.of(category).columns...)
}

// People returns the query whose rows are the schema.Person that may come in
// to account $1.
func (c *Catalog) People() string { return c.people.text }

// Account returns the query whose one row, if any, is the schema.Account $1.
func (c *Catalog) Account() string { return c.account.text }

// Credentials returns the query whose one row, if any, is the
// schema.Credential of the user name $1.
func (c *Catalog) Credentials() string { return c.creds.text }

func (c *Catalog) of(category schema.Category) query {
	q, ok := c.queries[category]
	if !ok {
		panic("catalog: no category " + string(category))
	}
	return q
}

// query is one linted query.
type query struct {
	text    string
	note    string
	columns []Column
}

// questions are the directory's, with the columns their answers must have.
var questions = map[string][]string{
	"people":      {"id", "account_sid", "email", "name", "role"},
	"account":     {"id", "name", "parent", "suspended"},
	"credentials": {"account_sid", "user_id", "role", "secret_sha256", "suspended"},
}

func load(categories, directory fs.FS) (*Catalog, error) {
	c := &Catalog{queries: make(map[schema.Category]query, len(schema.Categories))}
	problems := unknown(categories, "", func(name string) bool { return schema.IsCategory(name) })
	problems = append(problems, unknown(directory, "directory/", func(name string) bool { return questions[name] != nil })...)
	for _, category := range schema.Categories {
		q, err := read(categories, "", string(category), lintCategory)
		problems = append(problems, err...)
		c.queries[category] = q
	}
	for name, into := range map[string]*query{"people": &c.people, "account": &c.account, "credentials": &c.creds} {
		q, err := read(directory, "directory/", name, func(file string, text []byte) (query, []error) {
			return lintQuestion(file, text, questions[name], name == "credentials")
		})
		problems = append(problems, err...)
		*into = q
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("catalog: %w", errors.Join(problems...))
	}
	return c, nil
}

func read(folder fs.FS, in, name string, lint func(file string, text []byte) (query, []error)) (query, []error) {
	file := in + name + ".sql"
	text, err := fs.ReadFile(folder, name+".sql")
	if errors.Is(err, fs.ErrNotExist) {
		return query{}, []error{fmt.Errorf("%s: missing", file)}
	}
	if err != nil {
		return query{}, []error{fmt.Errorf("%s: cannot be read: %w", file, errors.Unwrap(err))}
	}
	return lint(file, text)
}

// unknown complains about files nobody would read: a misspelt category must
// not look as if it were exported.
func unknown(folder fs.FS, in string, known func(name string) bool) []error {
	files, err := fs.Glob(folder, "*.sql")
	if err != nil {
		return []error{err}
	}
	var problems []error
	for _, file := range files {
		if !known(strings.TrimSuffix(path.Base(file), ".sql")) {
			problems = append(problems, fmt.Errorf("%s%s: there is no such category or question", in, file))
		}
	}
	return problems
}
