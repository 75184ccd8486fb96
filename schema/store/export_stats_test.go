package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestStatsCountByStatus(t *testing.T) {
	s := open(t)
	require.NoError(t, s.OpenExport(t.Context(), anOpening()))
	confirmed(t, s)
	stats, err := s.Standing(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, stats.Count[schema.Pending])
	require.EqualValues(t, 1, stats.Count[schema.Processing])
	require.Positive(t, stats.Oldest)
}

func TestStatsCountEndedExportsOfTheLastDay(t *testing.T) {
	s := open(t)
	for range 2 {
		o := anOpening()
		require.NoError(t, s.OpenExport(t.Context(), o))
		require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{Status: schema.Expired, Reason: schema.Unconfirmed}, "satchel", schema.Certificate{}))
	}
	_, err := s.SQL().Exec(`update satchel.exports set ended_at = now() - interval '25 hours' where id = (select min(id) from satchel.exports)`)
	require.NoError(t, err)
	stats, err := s.Standing(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, stats.Count[schema.Expired])
}
