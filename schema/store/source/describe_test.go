package source_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/catalog"
	"satchel/schema/store/source"
)

func TestColumnsHaveTheirNamesAndTypes(t *testing.T) {
	t.Parallel()
	db, writer := open(t, append(userTypes, `create table t (id bigint primary key, s text, tags text[], at timestamptz, "odd ""name" mood, c char(5), price numeric(12,5), p phone, m moments, v visit, vs visit[], r floatrange)`)...)
	_, err := writer.Exec(`do $$ begin execute format('alter database %I set default_transaction_read_only = on', current_database()); end $$`)
	require.NoError(t, err)
	columns, err := db.Describe(t.Context(), `select id as _key, s, tags, at, "odd ""name", c, price, p, m, v, vs, r, 1.5 as n, 'x' as literal, null as nothing, row(1, 2) as pair, count(*) over () as rows
		from t where s = $1 -- the end`)
	require.NoError(t, err)
	require.Equal(t, []source.Column{
		{Name: "s", Type: "text"}, {Name: "tags", Type: "text[]"}, {Name: "at", Type: "timestamp with time zone"}, {Name: `odd "name`, Type: "mood"}, {Name: "c", Type: "character"},
		{Name: "price", Type: "numeric"}, {Name: "p", Type: "phone"}, {Name: "m", Type: "moments"}, {Name: "v", Type: "visit"}, {Name: "vs", Type: "visit[]"}, {Name: "r", Type: "floatrange"},
		{Name: "n", Type: "numeric"}, {Name: "literal", Type: "text"}, {Name: "nothing", Type: "text"}, {Name: "pair", Type: "record"}, {Name: "rows", Type: "bigint"},
	}, columns)
}

func TestDescribeReadsNoRow(t *testing.T) {
	t.Parallel()
	db, _ := open(t, `create table t (id int primary key)`, `insert into t values (0)`)
	for _, query := range []string{
		`select id as _key, 1/id as v from t where $1 <> '' or $1 is null`,
		`select id as _key, pg_sleep(600) as v from t where $1 <> '' or $1 is null`,
		`select id as _key, id as v from t where $1::uuid is not null or true`,
	} {
		_, err := db.Describe(t.Context(), query)
		require.NoError(t, err, query)
	}
}

func TestAQueryMustBeginWithItsKeyAndTakeOneAccount(t *testing.T) {
	t.Parallel()
	db, _ := open(t)
	for query, problem := range map[string]string{
		`select 1 as id, 2 as v where $1 <> ''`:              "first column must be _key",
		`select 1 as _key where $1 <> ''`:                    "others must follow",
		`select row(1, 2) as _key, 2 as v where $1 <> ''`:    "_key has the type record",
		`select 1 as _key, 2 as v, 3 as v where $1 <> ''`:    "42702",
		`select 1 as _key, 2 as v`:                           "describe query",
		`select 1 as _key, 2 as v where $1 <> '' and $2 > 1`: "describe query",
		`select`: "describe query",
	} {
		_, err := db.Describe(t.Context(), query)
		require.ErrorContains(t, err, problem, query)
	}
}

func TestEveryCategoryOfTheEmbeddedCatalogIsRead(t *testing.T) {
	t.Parallel()
	embedded, err := catalog.Embedded()
	require.NoError(t, err)
	db, writer := openURL(t, testservices.Database(t))
	account := schema.NewAccountID()
	for _, id := range []string{account, schema.NewAccountID()} {
		_, err := writer.Exec(`insert into platform.accounts (sid, name, auth_token_sha256) values ($1, 'A', '\x01')`, id)
		require.NoError(t, err)
	}
	for _, category := range schema.Categories {
		columns, err := db.Describe(t.Context(), embedded.Query(category))
		require.NoError(t, err, category)
		var names, want []string
		for _, c := range columns {
			names = append(names, c.Name)
		}
		for _, c := range embedded.Columns(category) {
			want = append(want, c.Name)
		}
		require.Equal(t, want, names)
		records, _ := read(t, db, embedded.Query(category), account, "")
		require.Len(t, records, map[bool]int{true: 1}[category == "account"])
	}
}
