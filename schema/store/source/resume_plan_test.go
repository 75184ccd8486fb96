package source

import (
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"

	"satchel/dev/demo"
	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/catalog"
)

func TestTheCheckForUnreachableRowsUsesOnlyAnIndex(t *testing.T) {
	t.Parallel()
	url := testservices.Database(t)
	db, err := Open(t.Context(), url, 2)
	require.NoError(t, err)
	defer db.Close() //nolint:errcheck // read-only
	pool, err := sqlx.Open("postgres", url)
	require.NoError(t, err)
	defer pool.Close() //nolint:errcheck // read-only
	embedded, err := catalog.Embedded()
	require.NoError(t, err)
	var account string
	for range 2 { // the account must not be the only one
		a, err := demo.NewAccount(t.Context(), url, demo.With{})
		require.NoError(t, err)
		account = a.AccountSID
		require.NoError(t, demo.Fill(t.Context(), url, account, map[schema.Category]int64{"calls": 2_000, "contacts": 2_000}, nil))
	}
	for _, c := range []schema.Category{"calls", "contacts"} {
		p, err := db.plan(t.Context(), embedded.Query(c), 1)
		require.NoError(t, err)
		var middle string
		require.NoError(t, pool.Get(&middle, "select q._key from "+subquery(p.query)+" order by q._key offset 1000 limit 1", account))

		plan := strings.Join(explain(t, pool, "on", p.hasUnreachableRows(), account, middle), "\n")
		require.NotContains(t, plan, "Seq Scan", plan)
		require.NotContains(t, plan, "Rows Removed", plan)
	}
}
