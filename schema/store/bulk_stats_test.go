package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/store"
)

func TestStatsCountAllBulkExports(t *testing.T) {
	s := openBulk(t)
	stats, err := s.BulkStanding(t.Context())
	require.NoError(t, err)
	require.Equal(t, store.BulkStanding{}, stats)
	ended, o := opened(t, s, schema.NewAccountID()), opened(t, s, schema.NewAccountID())
	exec(t, s.DB, `update satchel.jobs set created_at = created_at - interval '1 hour' where id = $1`, o.ID)
	exec(t, s.DB, `update satchel.jobs set created_at = created_at - interval '1 day' where id = $1`, ended.ID)
	_, err = s.EndJob(t.Context(), ended.ID)
	require.NoError(t, err)
	published(t, s, aFile(o.Account), "")
	published(t, s, aFile(ended.Account), "")
	e := anEvent(o.Account)
	require.NoError(t, s.OpenEvent(t.Context(), e))
	stats, err = s.BulkStanding(t.Context())
	require.NoError(t, err)
	require.InDelta(t, time.Hour, stats.Oldest, float64(time.Minute))
	stats.Oldest = 0
	require.Equal(t, store.BulkStanding{Jobs: 1, Files: 2, Bytes: 200, Events: 1}, stats)
}
