package demo_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/dev/demo"
	"satchel/dev/testservices"
	"satchel/schema"
)

// everything returns the number of rows for each category that can be filled.
func everything(rows int64) map[schema.Category]int64 {
	all := map[schema.Category]int64{}
	for _, category := range demo.Fillable() {
		all[category] = rows
	}
	return all
}

func TestFillAddsExactlyTheRowsAskedFor(t *testing.T) {
	url := testservices.Database(t)
	db := open(t, url)
	a, err := demo.NewAccount(context.Background(), url, demo.With{})
	require.NoError(t, err)
	other, err := demo.NewAccount(context.Background(), url, demo.With{Records: true})
	require.NoError(t, err)
	others := tableTexts(t, db, other.AccountSID)

	rows := everything(7)
	rows["calls"] = 120_001
	var lines []string
	require.NoError(t, demo.Fill(context.Background(), url, a.AccountSID, rows, func(s string) { lines = append(lines, s) }))
	require.NoError(t, demo.Fill(context.Background(), url, a.AccountSID, everything(5), nil))

	want := map[schema.Category]int64{}
	for _, category := range schema.Categories {
		want[category] = 0 // if it has no fill statement
	}
	maps.Copy(want, everything(12))
	want["calls"], want["users"], want["account"] = 120_006, 13, 1
	require.Equal(t, want, counts(t, db, a.AccountSID))
	require.Equal(t, others, tableTexts(t, db, other.AccountSID))
	require.Contains(t, lines, "calls: 120001 of 120001")
	require.Len(t, slices.DeleteFunc(lines, func(s string) bool { return !strings.HasPrefix(s, "calls") }), 3)

	// The sequence of IDs continues after the fill.
	var highest, next int64
	require.NoError(t, db.QueryRow("select max(id) from platform.calls").Scan(&highest))
	require.NoError(t, db.QueryRow(`insert into platform.calls (sid, account_sid, direction, status)
		values ('CAnext', $1, 'inbound', 'queued') returning id`, a.AccountSID).Scan(&next))
	require.Equal(t, highest+1, next)
	require.NoError(t, demo.Fill(context.Background(), url, a.AccountSID, everything(1), nil), "the IDs of a later fill do not collide")
}

func TestTheSameFillWritesTheSameRows(t *testing.T) {
	texts := make([][]string, 2)
	for i := range texts {
		url := testservices.Database(t)
		_, err := demo.Load(context.Background(), url, nil)
		require.NoError(t, err)
		start := "AC" + strings.Repeat("0", 32)
		_, err = open(t, url).Exec("insert into platform.accounts (sid, name, auth_token_sha256) values ($1, 'Still', '')", start)
		require.NoError(t, err)
		rows := everything(50)
		rows["calls"] = 50_100
		require.NoError(t, demo.Fill(context.Background(), url, start, rows, nil))
		texts[i] = list(t, open(t, url), "select c::text from platform.calls c order by id limit 100000")
		texts[i] = append(texts[i], list(t, open(t, url), "select c::text from platform.contacts c order by id")...)
	}
	require.Equal(t, texts[0], texts[1])
}

func TestFillRejectsUnknownCategoriesAndAccounts(t *testing.T) {
	url := testservices.Database(t)
	require.ErrorContains(t, demo.Fill(context.Background(), url, "", map[schema.Category]int64{"account": 2}, nil), `no rows to add to "account"`)
	require.ErrorContains(t, demo.Fill(context.Background(), url, "", map[schema.Category]int64{"cals": 2}, nil), `no rows to add to "cals"`)
	require.ErrorContains(t, demo.Fill(context.Background(), url, "ACunknown", map[schema.Category]int64{"flows": 2}, nil), "flows_account_sid_fkey")
}

func BenchmarkFill(b *testing.B) {
	for _, category := range demo.Fillable() {
		b.Run(string(category), func(b *testing.B) {
			url := testservices.Database(b)
			a, err := demo.NewAccount(context.Background(), url, demo.With{})
			require.NoError(b, err)
			const rows = 200_000
			for b.Loop() {
				require.NoError(b, demo.Fill(context.Background(), url, a.AccountSID, map[schema.Category]int64{category: rows}, nil))
			}
			b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}
