package catalog_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/dev/demo"
	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/catalog"
)

func TestResumingBehindAKeySortsNothing(t *testing.T) {
	tx := begin(t, testservices.Database(t))
	// On empty tables every plan costs the same; leave only the one for large tables.
	_, err := tx.Exec("set local enable_seqscan = off; set local enable_bitmapscan = off")
	require.NoError(t, err)
	for _, category := range schema.Categories[1:] { // an account has one row
		var plan string
		require.NoError(t, tx.QueryRow("explain (format json) select r._key from ("+embedded(t).Query(category)+
			") r where r._key > $2 order by r._key", "", 0).Scan(&plan))
		require.NotRegexp(t, `"Node Type": "[^"]*Sort`, plan, category)
		require.Contains(t, plan, "_account", category)
		require.Contains(t, plan, "id > ", category)
	}
}

func TestKeysAreUniqueWithinAnAccount(t *testing.T) {
	url := testservices.Database(t)
	d, err := demo.Load(context.Background(), url, nil)
	require.NoError(t, err)
	tx := begin(t, url)
	for _, category := range schema.Categories {
		var rows, keys int
		require.NoError(t, tx.QueryRow("select count(*), count(distinct _key) from ("+embedded(t).Query(category)+") r",
			d.Accounts[0].AccountSID).Scan(&rows, &keys))
		require.Equal(t, rows, keys, category)
	}
}

func TestTheDemoAccountsMatchTheSchema(t *testing.T) {
	url := testservices.Database(t)
	d, err := demo.Load(context.Background(), url, nil)
	require.NoError(t, err)
	tx := begin(t, url)
	text, err := catalog.ArchiveSchema(typed(exportedFields(t, tx)))
	require.NoError(t, err)
	s := compile(t, text)
	for _, a := range d.Accounts {
		arrays := map[schema.Category]string{}
		for _, category := range schema.Categories {
			var fields []string
			for _, c := range embedded(t).Columns(category) {
				fields = append(fields, `r."`+c.Name+`"`)
			}
			records := list(t, tx, fmt.Sprintf("select row_to_json(f) from (select %s from (%s) r) f",
				strings.Join(fields, ", "), embedded(t).Query(category)), a.AccountSID)
			arrays[category] = "[" + strings.Join(records, ",") + "]"
		}
		require.NoError(t, s.Validate(archive(t, arrays)), a.Name)
	}
}

func TestNoBuiltInFieldIsALocalTime(t *testing.T) {
	for _, columns := range exportedFields(t, begin(t, testservices.Database(t))) {
		for _, c := range columns {
			require.NotRegexp(t, `(?i)^timestamp( without time zone|\(|$)`, c.databaseType, c.name)
		}
	}
}
