package demo_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"satchel/dev/demo"
	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/catalog"
)

func TestFillDaysAddsExactlyTheRecordsAskedFor(t *testing.T) {
	url := testservices.Database(t)
	db := open(t, url)
	a, err := demo.NewAccount(context.Background(), url, demo.With{Records: true})
	require.NoError(t, err)
	before := tableTexts(t, db, a.AccountSID)
	from, to := schema.DayOf(time.Now()).Plus(-40), schema.DayOf(time.Now()).Plus(-37)
	old := schema.Day("2024-05-31")
	texts := make([][]string, 2)
	for i := range texts {
		b, err := demo.NewAccount(context.Background(), url, demo.With{})
		require.NoError(t, err)
		for _, typ := range schema.ResourceTypes {
			require.NoError(t, demo.FillDays(context.Background(), url, b.AccountSID, typ, from, to, 7))
			require.NoError(t, demo.FillDays(context.Background(), url, b.AccountSID, typ, to, to, 5))
			require.NoError(t, demo.FillDays(context.Background(), url, b.AccountSID, typ, old, old, 3))
			require.Empty(t, day(t, db, typ, b.AccountSID, from.Plus(-1)))
			require.Len(t, day(t, db, typ, b.AccountSID, from), 7)
			require.Len(t, day(t, db, typ, b.AccountSID, to), 12)
			require.Empty(t, day(t, db, typ, b.AccountSID, to.Plus(1)))
			require.Len(t, day(t, db, typ, b.AccountSID, old), 3)
		}
		require.Len(t, list(t, db, `select sid from platform.calls_archive where account_sid = $1`, b.AccountSID), 3, "old calls are in the archive")
		require.Len(t, list(t, db, `select sid from platform.calls where account_sid = $1`, b.AccountSID), 33, "and nowhere else")
		texts[i] = list(t, db, `select body || date_created from platform.messages where account_sid = $1 order by date_created, body`, b.AccountSID)
	}
	require.Equal(t, texts[0], texts[1], "the same fill writes the same records")
	require.Equal(t, before, tableTexts(t, db, a.AccountSID))
	require.ErrorContains(t, demo.FillDays(context.Background(), url, a.AccountSID, "Faxes", from, to, 1), `no records to add to "Faxes"`)
}

func TestDemoAccountsHaveRecordsOnMostDays(t *testing.T) {
	url := testservices.Database(t)
	db := open(t, url)
	d, err := demo.Load(context.Background(), url, nil)
	require.NoError(t, err)
	today := schema.DayOf(time.Now())
	for _, a := range d.Accounts[:5] {
		for _, typ := range schema.ResourceTypes {
			empty, records := 0, 0
			for _, on := range today.Plus(-45).To(today.Plus(-1)) {
				n := len(day(t, db, typ, a.AccountSID, on))
				records += n
				if n == 0 {
					empty++
				}
			}
			require.NotZero(t, records, "%s has %s", a.Name, typ)
			require.InDelta(t, 4, empty, 1, "%s has no %s on some days", a.Name, typ)
		}
		require.NotEmpty(t, list(t, db, `select sid from platform.calls_archive where account_sid = $1`, a.AccountSID))
	}
	require.Empty(t, list(t, db, `select p.sid from platform.participants p
		left join platform.conferences c on c.sid = p.conference_sid and c.account_sid = p.account_sid
		left join platform.calls l on l.sid = p.call_sid and l.account_sid = p.account_sid
		where p.account_sid <> $1 and (c.sid is null or l.sid is null)
		and p.date_created > now() - interval '50 days'`, ""), "participants have a conference and a call")
	require.NotEmpty(t, list(t, db, `select sid from platform.messages where account_sid = $1 and price is null`, d.Accounts[0].AccountSID))
	require.Empty(t, list(t, db, `select sid from platform.calls where date_created < now() - interval '13 months'
		and sid in (select sid from platform.calls_archive)`), "a call is in one table")
}

func TestDemoAccountsLoadedEarlierGetWhatBulkExportsNeed(t *testing.T) {
	url := testservices.Database(t)
	db := open(t, url)
	d, err := demo.Load(context.Background(), url, nil)
	require.NoError(t, err)
	_, err = db.Exec(`delete from platform.messages; delete from platform.participants; delete from platform.conferences`)
	require.NoError(t, err)
	_, err = db.Exec(`delete from platform.calls where date_created > now() - interval '50 days'; delete from platform.calls_archive`)
	require.NoError(t, err)
	_, err = demo.Load(context.Background(), url, randomSealer)
	require.NoError(t, err)
	yesterday := schema.DayOf(time.Now()).Plus(-1)
	records := 0
	for _, on := range yesterday.Plus(-3).To(yesterday) {
		records += len(day(t, db, schema.Messages, d.Accounts[1].AccountSID, on))
	}
	require.NotZero(t, records)
	require.Len(t, list(t, db, `select sid from platform.accounts where auth_token_sealed is not null`), 6)
}

// day returns the records of a bulk export of the day, as row_to_json formats them.
func day(t testing.TB, db *sql.DB, typ schema.ResourceType, account string, on schema.Day) []string {
	t.Helper()
	c, err := catalog.Embedded()
	require.NoError(t, err)
	args := []any{account, on.Begins(), on.Plus(1).Begins()}
	if typ == schema.Calls {
		args = append(args, pq.Array([]string{}))
	}
	return list(t, db, "select row_to_json(q) from ("+c.Day(typ)+") q order by q._at, q._key", args...)
}

func BenchmarkFillDays(b *testing.B) {
	for _, typ := range schema.ResourceTypes {
		b.Run(string(typ), func(b *testing.B) {
			url := testservices.Database(b)
			a, err := demo.NewAccount(context.Background(), url, demo.With{})
			require.NoError(b, err)
			from := schema.DayOf(time.Now()).Plus(-60)
			const perDay = 33_000
			for b.Loop() {
				require.NoError(b, demo.FillDays(context.Background(), url, a.AccountSID, typ, from, from.Plus(59), perDay))
			}
			b.ReportMetric(60*perDay*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}
