package accountexport_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"satchel/dev/demo"
	"satchel/schema"
	"satchel/schema/catalog"
	"satchel/schema/store/source"
)

func TestACategoryThatCannotBeReadFailsAtOnceAndSaysWhy(t *testing.T) {
	r := newFixture(t, demo.With{Records: true}, nil)
	r.confirm()
	r.exec(`alter table platform.flows rename to stored`)
	r.exec(`create view platform.flows as select s.* from platform.stored s, generate_series(1, 2)`)
	r.exec(`alter table platform.contacts rename to gone`)
	for category, reason := range map[schema.Category]string{
		"flows":    "_key is null, empty or repeated",
		"contacts": "SQLSTATE 42P01 (undefined_table)",
	} {
		err := r.collect(category)
		require.True(t, nonRetryable(t, err))
		var failure *temporal.ApplicationError
		require.ErrorAs(t, err, &failure)
		require.Equal(t, "The category "+string(category)+" cannot be read: "+reason, failure.Message())
	}
	require.NoError(t, r.collect("calls"))
}

func TestACategoryIsWaitingWhileThePlatformsDatabaseDoesNotAnswer(t *testing.T) {
	r := newFixture(t, demo.With{Records: true}, nil)
	db, err := source.Open(t.Context(), r.url, 4)
	require.NoError(t, err)
	defer db.Close() //nolint:errcheck // nothing is lost
	db.SetLimits(source.Limits{RecordBytes: 1 << 20, Stall: time.Second})
	queries, err := catalog.Embedded()
	require.NoError(t, err)
	r.Source = source.NewPlatform(db, queries)
	r.confirm()
	require.NoError(t, r.store.BeginCategory(t.Context(), r.export, "flows", 5), "an earlier attempt has begun")
	tx, err := r.store.SQL().Begin()
	require.NoError(t, err)
	_, err = tx.Exec(`lock table platform.flows`)
	require.NoError(t, err)
	status := func() schema.CategoryStatus {
		e, err := r.store.Export(t.Context(), r.export)
		require.NoError(t, err)
		for _, c := range e.Categories {
			if c.Name == "flows" {
				return c.Status
			}
		}
		return ""
	}
	require.Equal(t, schema.CategoryReading, status())

	err = r.collect("flows")
	require.False(t, nonRetryable(t, err))
	require.ErrorContains(t, err, "The platform's database has sent nothing for 1s.")
	require.Equal(t, schema.CategoryWaiting, status())

	require.NoError(t, tx.Rollback())
	db.SetLimits(source.DefaultLimits)
	require.NoError(t, r.collect("flows"))
	require.Equal(t, schema.CategoryDone, status())
}
