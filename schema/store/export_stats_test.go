package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestStatsCountByStatus(t *testing.T) {
	s := open(t)
	require.NoError(t, s.OpenExport(t.Context(), newExport()))
	confirmed(t, s)
	stats, err := s.ExportStats(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, stats.Count[schema.Pending])
	require.EqualValues(t, 1, stats.Count[schema.Processing])
	require.Positive(t, stats.Oldest)
}

func TestStatsCountEndedExportsOfTheLastDay(t *testing.T) {
	s := open(t)
	for range 2 {
		o := newExport()
		require.NoError(t, s.OpenExport(t.Context(), o))
		require.NoError(t, s.EndExport(t.Context(), o.Export, schema.Ending{Status: schema.Expired, Reason: schema.ReasonUnconfirmed}, "satchel", schema.Certificate{}))
	}
	_, err := s.SQL().Exec(`update satchel.exports set ended_at = now() - interval '25 hours' where id = (select min(id) from satchel.exports)`)
	require.NoError(t, err)
	stats, err := s.ExportStats(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, stats.Count[schema.Expired])
}
