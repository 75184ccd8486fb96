package source_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/dev/demo"
	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/catalog"
	"satchel/schema/store/source"
)

// openPlatform makes the platform's tables with one demo account and opens them
// with the built-in catalog.
func openPlatform(t *testing.T) (*source.Platform, demo.Account) {
	t.Helper()
	url := testservices.Database(t)
	a, err := demo.NewAccount(t.Context(), url, demo.With{Records: true, Seal: func(account string, token []byte) ([]byte, error) {
		return []byte(account + " " + string(token)), nil
	}})
	require.NoError(t, err)
	db, _ := openURL(t, url)
	embedded, err := catalog.Embedded()
	require.NoError(t, err)
	return source.NewPlatform(db, embedded), a
}

// readAll returns all records that are left, and their keys.
func readAll(t testing.TB, rows schema.RecordReader) (records, keys []string) {
	t.Helper()
	for {
		record, err := rows.AppendRow(nil)
		if err == io.EOF {
			return records, keys
		}
		require.NoError(t, err)
		records, keys = append(records, string(record)), append(keys, rows.Key())
	}
}

func TestPlatformReadsEveryCategory(t *testing.T) {
	t.Parallel()
	p, a := openPlatform(t)
	for _, c := range schema.Categories {
		var all, keys []string
		require.NoError(t, p.ReadCategory(t.Context(), c, a.AccountSID, "", func(readAt time.Time, rows schema.RecordReader) error {
			require.Equal(t, time.UTC, readAt.Location())
			require.WithinDuration(t, time.Now(), readAt, time.Minute)
			expected, err := rows.Expected()
			require.NoError(t, err)
			all, keys = readAll(t, rows)
			require.Len(t, all, int(expected), c)
			return nil
		}))
		require.NotEmpty(t, all, c)
		require.NoError(t, p.ReadCategory(t.Context(), c, a.AccountSID, keys[0], func(_ time.Time, rows schema.RecordReader) error {
			rest, _ := readAll(t, rows)
			require.Equal(t, append([]string(nil), all[1:]...), rest, c)
			return nil
		}))
	}
}

// TestTheTimeZoneOfTheServerChangesNoRecord also runs with time.Local in
// Kathmandu; see TestMain.
func TestTheTimeZoneOfTheServerChangesNoRecord(t *testing.T) {
	t.Parallel()
	url := testservices.Database(t)
	a, err := demo.NewAccount(t.Context(), url, demo.With{Records: true})
	require.NoError(t, err)
	embedded, err := catalog.Embedded()
	require.NoError(t, err)
	readEverything := func(db *source.DB) (records []string) {
		p := source.NewPlatform(db, embedded)
		for _, c := range schema.Categories {
			require.NoError(t, p.ReadCategory(t.Context(), c, a.AccountSID, "", func(_ time.Time, rows schema.RecordReader) error {
				all, _ := readAll(t, rows)
				records = append(records, all...)
				return nil
			}))
		}
		for _, typ := range schema.ResourceTypes {
			for _, day := range edgeDays {
				require.NoError(t, p.ReadDay(t.Context(), typ, a.AccountSID, day, nil, func(rows schema.RecordReader) error {
					all, keys := readAll(t, rows)
					for i, key := range keys {
						if typ != schema.Calls {
							continue
						}
						of, err := p.CallDay(t.Context(), a.AccountSID, key)
						require.NoError(t, err)
						require.Equal(t, day, of, all[i])
					}
					records = append(records, all...)
					return nil
				}))
			}
		}
		return records
	}
	inUTC, _ := openURL(t, url, `do $$ begin execute format('alter database %I set timezone = ''UTC''', current_database()); end $$`)
	want := readEverything(inUTC)
	require.NotEmpty(t, want)
	elsewhere, writer := openURL(t, url, inKathmandu)
	require.Equal(t, want, readEverything(elsewhere))
	other, err := writer.Conn(t.Context())
	require.NoError(t, err)
	defer other.Close() //nolint:errcheck // returns it to the pool
	var zone string
	fresh, err := writer.Conn(t.Context()) // the first connection is older than the setting
	require.NoError(t, err)
	defer fresh.Close() //nolint:errcheck // returns it to the pool
	require.NoError(t, fresh.QueryRowContext(t.Context(), `show timezone`).Scan(&zone))
	require.Equal(t, "Asia/Kathmandu", zone)
}

func TestReadCategoryFailsForAnAccountThatIsNotVisible(t *testing.T) {
	t.Parallel()
	p, _ := openPlatform(t)
	err := p.ReadCategory(t.Context(), "calls", schema.NewAccountID(), "", func(time.Time, schema.RecordReader) error {
		require.Fail(t, "do was called")
		return nil
	})
	require.Equal(t, schema.NotFound, schema.KindOf(err), "%v", err)
}

func TestPlatformReadsDaysWithoutErasedCalls(t *testing.T) {
	t.Parallel()
	p, a := openPlatform(t)
	read := func(typ schema.ResourceType, day schema.Day, erased ...string) (records []string) {
		require.NoError(t, p.ReadDay(t.Context(), typ, a.AccountSID, day, erased, func(rows schema.RecordReader) error {
			records, _ = readAll(t, rows)
			return nil
		}))
		return records
	}
	for typ, records := range map[schema.ResourceType]int{schema.Messages: 4, schema.Calls: 0, schema.Conferences: 3, schema.Participants: 3} {
		require.Len(t, read(typ, "2026-03-01"), records, typ)
	}
	archived := read(schema.Calls, "2024-02-29")
	require.Len(t, archived, 2)
	call := archived[0][strings.Index(archived[0], "CA"):][:34]
	require.Equal(t, archived[1:], read(schema.Calls, "2024-02-29", call))
}

func TestPlatformUsesEveryDirectoryQueryOfTheCatalog(t *testing.T) {
	t.Parallel()
	p, a := openPlatform(t)
	ctx := t.Context()
	people, err := p.People(ctx, a.AccountSID)
	require.NoError(t, err)
	require.Len(t, people, len(a.Users))
	account, err := p.Account(ctx, a.AccountSID)
	require.NoError(t, err)
	require.Equal(t, a.AccountSID, account.ID)
	credential, err := p.Credential(ctx, a.AccountSID)
	require.NoError(t, err)
	require.Equal(t, a.AccountSID, credential.Account)
	key, err := p.SigningKey(ctx, a.AccountSID)
	require.NoError(t, err)
	require.Equal(t, a.AccountSID+" "+a.AuthToken, string(key))
	subaccounts, err := p.Subaccounts(ctx, a.AccountSID)
	require.NoError(t, err)
	require.Empty(t, subaccounts)
	var call string
	require.NoError(t, p.ReadDay(ctx, schema.Calls, a.AccountSID, "2024-02-29", nil, func(rows schema.RecordReader) error {
		_, keys := readAll(t, rows)
		call = keys[0]
		return nil
	}))
	day, err := p.CallDay(ctx, a.AccountSID, call)
	require.NoError(t, err)
	require.Equal(t, schema.Day("2024-02-29"), day)
}
