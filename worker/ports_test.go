package main

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/dev/demo"
	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/catalog"
	"satchel/schema/store/source"
)

func TestDaysAndSigningKeysAreReadFromThePlatform(t *testing.T) {
	url := testservices.Database(t)
	a, err := demo.NewAccount(t.Context(), url, demo.With{Records: true, Seal: func(account string, token []byte) ([]byte, error) {
		return []byte(account + " " + string(token)), nil
	}})
	require.NoError(t, err)
	platform, err := source.Open(t.Context(), url, 2)
	require.NoError(t, err)
	defer platform.Close() //nolint:errcheck // nothing is lost by it
	queries, err := catalog.Embedded()
	require.NoError(t, err)
	days := source.NewPlatform(platform, queries)

	read := func(typ schema.ResourceType, day schema.Day, erased ...string) (lines []string) {
		require.NoError(t, days.ReadDay(t.Context(), typ, a.AccountSID, day, erased, func(rows schema.RecordReader) error {
			for {
				line, err := rows.AppendRow(nil)
				if err == io.EOF {
					return nil
				}
				if err != nil {
					return err
				}
				lines = append(lines, string(line))
			}
		}))
		return lines
	}
	for typ, records := range map[schema.ResourceType]int{schema.Messages: 4, schema.Calls: 0, schema.Conferences: 3, schema.Participants: 3} {
		require.Len(t, read(typ, "2026-03-01"), records, typ)
	}
	old := read(schema.Calls, "2024-02-29")
	require.Len(t, old, 2)
	call := old[0][strings.Index(old[0], "CA"):][:34]
	require.Equal(t, old[1:], read(schema.Calls, "2024-02-29", call))

	key, err := days.SigningKey(t.Context(), a.AccountSID)
	require.NoError(t, err)
	require.Equal(t, a.AccountSID+" "+a.AuthToken, string(key))

	archive, finish, err := openArchive(t.Context(), url, queries, 1)
	require.NoError(t, err)
	defer finish()
	require.NoError(t, archive.EraseCalls(t.Context(), a.AccountSID, []string{call}))
	require.Equal(t, old[1:], read(schema.Calls, "2024-02-29"))
	none, _, err := openArchive(t.Context(), "", queries, 1)
	require.NoError(t, err)
	require.Nil(t, none, "a nil interface")
	needless, _, err := openArchive(t.Context(), "", &catalog.Catalog{}, 1)
	require.NoError(t, err)
	require.NoError(t, needless.EraseCalls(t.Context(), a.AccountSID, []string{call}), "a company without an archive")
}
