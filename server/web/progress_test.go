package web

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

var began = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// inProgress returns an export of two categories of which the given number of records is read.
func inProgress(status schema.CategoryStatus, read int64, expected ...int64) schema.Export {
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

func TestProgressStartsOnceAllCategoriesAreCounted(t *testing.T) {
	t.Parallel()
	p := newProgress(schema.Export{Status: schema.Confirmed, ConfirmedAt: &began}, began)
	require.Equal(t, stageStarting, p.Stage)
	require.Zero(t, p.Percent)

	half := inProgress(schema.CategoryReading, 249, 999)
	half.Categories[0].Expected = nil
	require.Equal(t, stageStarting, newProgress(half, began).Stage, "a share of a partial count would decrease later")
	p = newProgress(inProgress(schema.CategoryReading, 249, 999), began.Add(10*time.Second))
	require.Equal(t, stageReading, p.Stage)
	require.Equal(t, 25, p.Percent)
	require.Equal(t, int64(1000), p.Total())
	require.Equal(t, int64(250), p.Records)
	require.Equal(t, int64(2590), p.Bytes)
	require.Equal(t, 1, p.Done)
	require.Equal(t, 10*time.Second, p.Elapsed)
	require.InDelta(t, 48, p.TimeLeft.Seconds(), 0.1, "30 s of reading, and 18 s to assemble 40 s of reading")
	require.Equal(t, "25 percent of the records have been read.", p.Announce())

	p = newProgress(inProgress(schema.CategoryReading, 249, 999), began.Add(time.Second))
	require.Zero(t, p.TimeLeft, "a second is too early for an estimate")
	p = newProgress(inProgress(schema.CategoryReading, 2000, 999), began.Add(time.Minute))
	require.Equal(t, 99, p.Percent, "the estimate was too low, and reading continues")
	p = newProgress(inProgress(schema.CategoryDone, 2000, 2000), began.Add(time.Minute))
	require.Equal(t, stageAssembling, p.Stage)
	require.Equal(t, 100, p.Percent)
}

func TestAssemblingIsEstimatedFromTheTimeThatReadingTook(t *testing.T) {
	t.Parallel()
	w, e, read := &Web{}, inProgress(schema.CategoryDone, 2000, 2000), began.Add(20*time.Minute)
	require.Equal(t, 9*time.Minute, w.progressWithEstimate(e, read).TimeLeft)
	soon, late := w.progressWithEstimate(e, read.Add(4*time.Minute)), w.progressWithEstimate(e, read.Add(9*time.Minute))
	require.Equal(t, "about 5 minutes", soon.RemainingText())
	require.Equal(t, "taking longer than expected", late.RemainingText())
	require.NotEqual(t, soon.key(), late.key(), "the page is updated")
	require.Empty(t, w.progressWithEstimate(inProgress(schema.CategoryReading, 0, 100), began).RemainingText(), "unknown yet")

	w = &Web{}
	require.Equal(t, minAssembling, w.progressWithEstimate(e, began.Add(time.Second)).TimeLeft)
	require.Equal(t, "a few seconds", w.progressWithEstimate(e, began.Add(9*time.Second)).RemainingText(), "a small export is not late so soon")
}

func TestPercentNeverGoesBackwards(t *testing.T) {
	t.Parallel()
	last := 0
	for _, e := range []schema.Export{
		inProgress(schema.CategoryWaiting, 0), inProgress(schema.CategoryReading, 0, 5000), inProgress(schema.CategoryReading, 3000, 5000),
		inProgress(schema.CategoryReading, 5000, 5000), inProgress(schema.CategoryReading, 7000, 7000), inProgress(schema.CategoryDone, 7100, 7100),
	} {
		p := newProgress(e, began)
		require.GreaterOrEqual(t, p.Percent, last)
		last = p.Percent
	}
	require.Equal(t, 100, last)
}

func TestBarOfAnEmptyCategoryIsFull(t *testing.T) {
	t.Parallel()
	for _, c := range newProgress(inProgress(schema.CategoryDone, 0, 0), began).Categories {
		require.Positive(t, c.Max)
		require.Equal(t, c.Max, c.Bar())
	}
}

func TestProgressIsSentOnlyWhenItChanges(t *testing.T) {
	t.Parallel()
	one := newProgress(inProgress(schema.CategoryReading, 10, 100), began)
	require.Equal(t, one.key(), newProgress(inProgress(schema.CategoryReading, 10, 100), began.Add(time.Hour)).key())
	require.NotEqual(t, one.key(), newProgress(inProgress(schema.CategoryReading, 11, 100), began).key())
	require.NotEqual(t, one.key(), newProgress(inProgress(schema.CategoryDone, 10, 100), began).key())
	uncounted := inProgress(schema.CategoryReading, 1, 1)
	uncounted.Categories[1].Expected = nil
	require.NotEqual(t, newProgress(uncounted, began).key(), newProgress(inProgress(schema.CategoryReading, 1, 1), began).key(), "another stage")
}

func TestCategoryNotesAreParsedFromTheCatalog(t *testing.T) {
	t.Parallel()
	list := parseCategoryNotes(func(c schema.Category) string {
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
			require.Equal(t, categoryNote{"calls", "Every call.", "Left out: nothing. At all."}, c)
		case "users":
			require.Equal(t, categoryNote{"users", "Every user.", ""}, c)
		default:
			require.Equal(t, categoryNote{Category: c.Category}, c)
		}
	}
}
