package web

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

var began = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// making is an export of two categories, of which so many records were read.
func making(status schema.CategoryStatus, read int64, expected ...int64) schema.Export {
	e := schema.Export{Status: schema.Processing, ConfirmedAt: &began, Categories: []schema.CategoryProgress{
		{Name: "account", Status: schema.CategoryDone, Records: 1, Bytes: 100},
		{Name: "calls", Status: status, Records: read, Bytes: 10 * read},
	}}
	if len(expected) > 0 {
		one := int64(1)
		e.Categories[0].Expected, e.Categories[1].Expected = &one, &expected[0]
	}
	return e
}

func TestProgressIsToldAsSoonAsItCanBeKnown(t *testing.T) {
	t.Parallel()
	p := progressOf(schema.Export{Status: schema.Confirmed, ConfirmedAt: &began}, began)
	require.Equal(t, isStarting, p.Stage)
	require.Zero(t, p.Percent)

	half := making(schema.CategoryReading, 249, 999)
	half.Categories[0].Expected = nil
	require.Equal(t, isStarting, progressOf(half, began).Stage, "a share of what is half counted would go back")
	p = progressOf(making(schema.CategoryReading, 249, 999), began.Add(10*time.Second))
	require.Equal(t, isReading, p.Stage)
	require.Equal(t, 25, p.Percent)
	require.Equal(t, int64(1000), p.Total())
	require.Equal(t, int64(250), p.Records)
	require.Equal(t, int64(2590), p.Bytes)
	require.Equal(t, 1, p.Done)
	require.Equal(t, 10*time.Second, p.Elapsed)
	require.InDelta(t, 48, p.Left.Seconds(), 0.1, "30 s of reading, and 18 s to put 40 s of reading together")
	require.Equal(t, "25 percent of the records are read.", p.Announce())

	p = progressOf(making(schema.CategoryReading, 249, 999), began.Add(time.Second))
	require.Zero(t, p.Left, "a second is too early to tell")
	p = progressOf(making(schema.CategoryReading, 2000, 999), began.Add(time.Minute))
	require.Equal(t, 99, p.Percent, "an estimate was too low, and it is not done")
	p = progressOf(making(schema.CategoryDone, 2000, 2000), began.Add(time.Minute))
	require.Equal(t, isAssembling, p.Stage)
	require.Equal(t, 100, p.Percent)
}

func TestPuttingTheFileTogetherIsEstimatedFromTheTimeThatReadingTook(t *testing.T) {
	t.Parallel()
	w, e, read := &Web{}, making(schema.CategoryDone, 2000, 2000), began.Add(20*time.Minute)
	require.Equal(t, 9*time.Minute, w.progress(e, read).Left)
	soon, late := w.progress(e, read.Add(4*time.Minute)), w.progress(e, read.Add(9*time.Minute))
	require.Equal(t, "about 5 minutes", soon.Remaining())
	require.Equal(t, "taking longer than expected", late.Remaining())
	require.NotEqual(t, soon.key(), late.key(), "the page is told")
	require.Empty(t, w.progress(making(schema.CategoryReading, 0, 100), began).Remaining(), "nobody can know yet")

	w = &Web{}
	require.Equal(t, leastAssembling, w.progress(e, began.Add(time.Second)).Left)
	require.Equal(t, "a few seconds", w.progress(e, began.Add(9*time.Second)).Remaining(), "a small one is not late so soon")
}

func TestPercentNeverGoesBackwards(t *testing.T) {
	t.Parallel()
	last := 0
	for _, e := range []schema.Export{
		making(schema.CategoryWaiting, 0), making(schema.CategoryReading, 0, 5000), making(schema.CategoryReading, 3000, 5000),
		making(schema.CategoryReading, 5000, 5000), making(schema.CategoryReading, 7000, 7000), making(schema.CategoryDone, 7100, 7100),
	} {
		p := progressOf(e, began)
		require.GreaterOrEqual(t, p.Percent, last)
		last = p.Percent
	}
	require.Equal(t, 100, last)
}

func TestABarIsFullWhereThereWasNothingToRead(t *testing.T) {
	t.Parallel()
	for _, c := range progressOf(making(schema.CategoryDone, 0, 0), began).Categories {
		require.Positive(t, c.Most)
		require.Equal(t, c.Most, c.Bar())
	}
}

func TestProgressIsSentOnlyWhereThereIsSome(t *testing.T) {
	t.Parallel()
	one := progressOf(making(schema.CategoryReading, 10, 100), began)
	require.Equal(t, one.key(), progressOf(making(schema.CategoryReading, 10, 100), began.Add(time.Hour)).key())
	require.NotEqual(t, one.key(), progressOf(making(schema.CategoryReading, 11, 100), began).key())
	require.NotEqual(t, one.key(), progressOf(making(schema.CategoryDone, 10, 100), began).key())
	uncounted := making(schema.CategoryReading, 1, 1)
	uncounted.Categories[1].Expected = nil
	require.NotEqual(t, progressOf(uncounted, began).key(), progressOf(making(schema.CategoryReading, 1, 1), began).key(), "another stage")
}

func TestContentsAreReadFromTheCatalogsNotes(t *testing.T) {
	t.Parallel()
	list := contentsOf(func(c schema.Category) string {
		switch c {
		case "calls":
			return "Every call. Left out: nothing. At all."
		case "users":
			return "Every user."
		}
		return ""
	})
	require.Len(t, list, len(schema.Categories))
	for _, c := range list {
		switch c.Category {
		case "calls":
			require.Equal(t, content{"calls", "Every call.", "Left out: nothing. At all."}, c)
		case "users":
			require.Equal(t, content{"users", "Every user.", ""}, c)
		default:
			require.Equal(t, content{Category: c.Category}, c)
		}
	}
}
