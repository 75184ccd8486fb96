package testservices

import (
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/lib/pq"

	"satchel/dev/services"
)

// Roles of docs/running.md, and their password here.
const (
	appRole      = "satchel_app"   // of server and worker
	ownerRole    = "satchel_owner" // of migrations and backups
	rolePassword = "role"
)

// AsApp returns the URL of a database for the role of server and worker, with the
// grants that docs/running.md lists and no others.
func AsApp(t testing.TB, database string) string {
	t.Helper()
	execDocumented(t, database, func(d databaseSQL) string { return d.grants })
	return withRole(t, database, appRole)
}

// AsOwner returns the URL of a database for the role that owns it.
func AsOwner(t testing.TB, database string) string {
	t.Helper()
	execDocumented(t, database, func(databaseSQL) string {
		return `do $$ begin execute format('alter database %I owner to ` + ownerRole + `', current_database()); end $$`
	})
	return withRole(t, database, ownerRole)
}

// execDocumented makes the roles of docs/running.md, which belong to all databases of
// the tests, and executes a statement.
func execDocumented(t testing.TB, database string, statement func(databaseSQL) string) {
	t.Helper()
	documented, err := documentedSQL()
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("postgres", database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // nothing is lost by it
	for _, role := range documented.roles {
		if _, err := db.Exec(role); err != nil && !isDuplicate(err) {
			t.Fatalf("%s: %v", role, err)
		}
	}
	if _, err := db.Exec(statement(documented)); err != nil {
		t.Fatalf("the statements of docs/running.md: %v", err)
	}
}

func withRole(t testing.TB, database, role string) string {
	t.Helper()
	at, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	at.User = url.UserPassword(role, rolePassword)
	return at.String()
}

func isDuplicate(err error) bool {
	e, ok := err.(*pq.Error) //nolint:errorlint // the driver returns it as it is
	return ok && (e.Code == "42710" || e.Code == "23505")
}

var createRole = regexp.MustCompile(`(?m)^create role satchel_\w+ login password '…';$`)

// databaseSQL are the statements of docs/running.md that make the roles of Satchel's own
// database, and those that grant.
type databaseSQL struct {
	roles  []string
	grants string
}

var documentedSQL = sync.OnceValues(func() (documented databaseSQL, err error) {
	root, err := services.Root()
	if err != nil {
		return documented, err
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", "running.md"))
	if err != nil {
		return documented, err
	}
	_, section, _ := strings.Cut(string(text), "\n## Satchel's own database\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, role := range createRole.FindAllString(section, -1) {
		documented.roles = append(documented.roles, strings.Replace(role, "…", rolePassword, 1))
	}
	blocks := strings.Split(section, "```sql\n")
	documented.grants, _, _ = strings.Cut(blocks[len(blocks)-1], "```")
	if len(documented.roles) != 2 || !strings.Contains(documented.grants, "grant usage on schema satchel") {
		return documented, errors.New("docs/running.md does not show roles and grants of Satchel's own database as expected")
	}
	return documented, nil
})
