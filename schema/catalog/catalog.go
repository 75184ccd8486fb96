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
var categories embed.FS

// Catalog is a complete set of linted queries: one for each category, one for
// each type of bulk export, and those of the directory.
type Catalog struct {
	queries map[schema.Category]query
	days    map[schema.ResourceType]query
	erase   string
	answers map[string]query // the directory's
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
func Embedded() (*Catalog, error) { return load(categories, directory.Files, days.Files) }

// Load reads a company's own catalog: <category>.sql for each of the twelve
// categories; directory/people.sql, account.sql and credentials.sql, and
// signing.sql, subaccounts.sql and call.sql where it has them; and, where it has
// the folder days, <type>.sql for each of the four types in there, and
// erase/Calls.sql where calls can be erased. Without that folder bulk exports are read
// by our own queries. Its error names every file and line that will not do.
func Load(dir string) (*Catalog, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("catalog: %s is not a folder that can be read", dir)
	}
	var daily fs.FS = days.Files
	own := filepath.Join(dir, "days")
	if _, err := os.Stat(own); !errors.Is(err, fs.ErrNotExist) {
		daily = os.DirFS(own)
	}
	return load(os.DirFS(dir), os.DirFS(filepath.Join(dir, "directory")), daily)
}

// Query returns the query of a category, ready to be wrapped in another: no
// semicolon, no comment at either end. It panics for what is no category.
func (c *Catalog) Query(category schema.Category) string { return c.of(category).text }

// Columns returns the fields of a category's records in order, without their
// types and without _key. It panics for what is no category.
func (c *Catalog) Columns(category schema.Category) []Column {
	return append([]Column(nil), c.of(category).columns...)
}

// Day returns the query for the records that account $1 has of a type, from $2
// up to, not including, $3, and for Calls without those in $4. It can be wrapped
// like a category's. It panics for what is no type.
func (c *Catalog) Day(t schema.ResourceType) string { return c.ofDay(t).text }

// DayColumns returns the fields of a type's records in order, without their
// types. It panics for what is no type.
func (c *Catalog) DayColumns(t schema.ResourceType) []Column {
	return append([]Column(nil), c.ofDay(t).columns...)
}

// EraseCalls returns the statement that deletes calls $2 of account $1 from the
// archive of old calls, or "" where a company has none.
func (c *Catalog) EraseCalls() string { return c.erase }

// People returns the query whose rows are the schema.Person that may come in
// to account $1.
func (c *Catalog) People() string { return c.answers["people"].text }

// Account returns the query whose one row, if any, is the schema.Account $1.
func (c *Catalog) Account() string { return c.answers["account"].text }

// Credentials returns the query whose one row, if any, is the
// schema.Credential of the user name $1.
func (c *Catalog) Credentials() string { return c.answers["credentials"].text }

// Signing returns the query for the sealed auth token of account $1, or "" where
// a company has none.
func (c *Catalog) Signing() string { return c.answers["signing"].text }

// Subaccounts returns the query whose rows are the schema.Account that have $1
// for their parent, or "" where a company has none.
func (c *Catalog) Subaccounts() string { return c.answers["subaccounts"].text }

// Call returns the query for the UTC day on which call $2 of account $1 was
// made, or "" where a company has none.
func (c *Catalog) Call() string { return c.answers["call"].text }

func (c *Catalog) of(category schema.Category) query {
	q, ok := c.queries[category]
	if !ok {
		panic("catalog: no category " + string(category))
	}
	return q
}

func (c *Catalog) ofDay(t schema.ResourceType) query {
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

// question is one that the directory answers.
type question struct {
	columns  []string // that its answer must have
	params   int
	secrets  bool // what a secret is checked against, or the secret itself
	optional bool // a company need not answer it
}

var questions = map[string]question{
	"people":      {columns: []string{"id", "account_sid", "email", "name", "role"}, params: 1},
	"account":     {columns: []string{"id", "name", "parent", "suspended"}, params: 1},
	"credentials": {columns: []string{"account_sid", "user_id", "role", "secret_sha256", "suspended"}, params: 1, secrets: true},
	"signing":     {columns: []string{"sealed"}, params: 1, secrets: true, optional: true},
	"subaccounts": {columns: []string{"id", "name", "parent", "suspended"}, params: 1, optional: true},
	"call":        {columns: []string{"day"}, params: 2, optional: true},
}

func load(categories, directory, daily fs.FS) (*Catalog, error) {
	c := &Catalog{
		queries: make(map[schema.Category]query, len(schema.Categories)),
		days:    make(map[schema.ResourceType]query, len(schema.ResourceTypes)),
		answers: make(map[string]query, len(questions)),
	}
	problems := unknown(categories, "", schema.IsCategory)
	problems = append(problems, unknown(directory, "directory/", func(name string) bool { return questions[name].params > 0 })...)
	problems = append(problems, unknown(daily, "days/", schema.IsResourceType)...)
	for _, category := range schema.Categories {
		q, err := read(categories, "", string(category), lintCategory)
		problems = append(problems, err...)
		c.queries[category] = q
	}
	for name, asked := range questions {
		if _, err := fs.Stat(directory, name+".sql"); asked.optional && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		q, err := read(directory, "directory/", name, func(file string, text []byte) (query, []error) {
			return lintQuestion(file, text, asked)
		})
		problems = append(problems, err...)
		c.answers[name] = q
	}
	problems = append(problems, c.loadDays(daily)...)
	if len(problems) > 0 {
		return nil, fmt.Errorf("catalog: %w", errors.Join(problems...))
	}
	return c, nil
}

func (c *Catalog) loadDays(daily fs.FS) (problems []error) {
	for _, t := range schema.ResourceTypes {
		q, err := read(daily, "days/", string(t), func(file string, text []byte) (query, []error) {
			return lintDay(file, text, days.Keys[t], days.Params(t))
		})
		problems = append(problems, err...)
		c.days[t] = q
	}
	if _, err := fs.Stat(daily, "erase/Calls.sql"); errors.Is(err, fs.ErrNotExist) {
		return problems
	}
	q, err := read(daily, "days/", "erase/Calls", lintErasure)
	c.erase = q.text
	return append(problems, err...)
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
