package bench

import (
	"bytes"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"satchel/dev/demo"
	"satchel/schema"
	"satchel/schema/catalog"
)

func TestEachCategoryHasRowsThatAddUpToTheTotal(t *testing.T) {
	for _, total := range []int64{1_000, 20_000, 1_000_000, 12_345} {
		rows := rowsOf(total)
		sum := int64(2) // the account and its owner
		for _, category := range demo.Fillable() {
			require.Positive(t, rows[category], category)
			sum += rows[category]
		}
		require.Equal(t, total, sum)
		require.InDelta(t, 0.8, float64(rows["calls"])/float64(total), 0.01)
	}
}

func TestActionsOfAnExportAreThoseTemporalBills(t *testing.T) {
	text, err := os.ReadFile("../../workflows/testdata/replay/removed.json")
	require.NoError(t, err)
	var recorded historypb.History
	require.NoError(t, protojson.Unmarshal(text, &recorded))
	counted := billable(recorded.Events)
	require.Equal(t, 1, counted["workflow starts"])
	require.Equal(t, 2, counted["signals"], "confirmed and removed")
	require.GreaterOrEqual(t, counted["activities"], len(schema.Categories)+6, "the categories; open, confirm, assemble, complete, mail and remove")
	sum := 0
	for _, n := range counted {
		sum += n
	}
	require.Equal(t, sum, counted.Total())
}

func TestRetriesMarkersAndVersionsAreCountedAsTemporalDoes(t *testing.T) {
	started := func(attempt int32) *historypb.HistoryEvent {
		return &historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED, Attributes: &historypb.HistoryEvent_ActivityTaskStartedEventAttributes{
			ActivityTaskStartedEventAttributes: &historypb.ActivityTaskStartedEventAttributes{Attempt: attempt}}}
	}
	marker := func(name string, task int64) *historypb.HistoryEvent {
		return &historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_MARKER_RECORDED, Attributes: &historypb.HistoryEvent_MarkerRecordedEventAttributes{
			MarkerRecordedEventAttributes: &historypb.MarkerRecordedEventAttributes{MarkerName: name, WorkflowTaskCompletedEventId: task}}}
	}
	upsert := func(names ...string) *historypb.HistoryEvent {
		fields := map[string]*commonpb.Payload{}
		for _, name := range names {
			fields[name] = nil
		}
		return &historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES, Attributes: &historypb.HistoryEvent_UpsertWorkflowSearchAttributesEventAttributes{
			UpsertWorkflowSearchAttributesEventAttributes: &historypb.UpsertWorkflowSearchAttributesEventAttributes{SearchAttributes: &commonpb.SearchAttributes{IndexedFields: fields}}}}
	}
	require.Equal(t, Actions{"activities": 4, "markers": 2, "search attributes set": 1}, billable([]*historypb.HistoryEvent{
		started(1), started(3),
		marker("SideEffect", 4), marker("LocalActivity", 4), marker("SideEffect", 9), marker("Version", 12),
		upsert("TemporalChangeVersion"), upsert("ExportStatus"),
	}))
}

func TestRequestsAreCountedAsTheyAreBilled(t *testing.T) {
	for want, requests := range map[string][]string{
		"GET":    {"GET /satchel/exports/EX/archive"},
		"PUT":    {"PUT /satchel/exports/EX/calls/00000-a", "PUT /satchel/k?partNumber=1&uploadId=u", "POST /satchel/k?uploads", "POST /satchel/k?uploadId=u"},
		"LIST":   {"GET /satchel?list-type=2&prefix=exports", "GET /satchel/?uploads", "GET /satchel?versions"},
		"DELETE": {"DELETE /satchel/k", "POST /satchel?delete"},
		"HEAD":   {"HEAD /satchel/k"},
	} {
		for _, request := range requests {
			method, path, _ := strings.Cut(request, " ")
			require.Equal(t, want, requestKind(httptest.NewRequest(method, path, http.NoBody)), request)
		}
	}
}

func TestReadProcessAcceptsAnyProcessName(t *testing.T) {
	p, ok := readProcess([]byte("42 (a) b) S 7 1 1 0 -1 4194560 1 2 3 4 150 50 30 20 20 0 1 0 5 6 7"))
	require.True(t, ok)
	require.Equal(t, process{parent: 7, cpu: 2 * time.Second, children: 500 * time.Millisecond}, p)
	_, ok = readProcess([]byte("42 (gone"))
	require.False(t, ok)
}

func TestBaselineSelectsTheCatalogsColumnsWithoutKey(t *testing.T) {
	queries, err := catalog.Embedded()
	require.NoError(t, err)
	for _, category := range schema.Categories {
		rows := selectOf(queries.Query(category), queries.Columns(category), quote("AC'1"))
		require.NotContains(t, rows, "$1")
		require.Contains(t, rows, "'AC''1'")
		require.NotContains(t, strings.SplitN(rows, "from (", 2)[0], "_key")
	}
}

func TestReadBenchmarks(t *testing.T) {
	found, err := readBenchmarks(strings.NewReader("goos: linux\nBenchmarkRead/ours-2   \t 3\t 41 ns/op\t 67.20 MB/s\t 420 ns/row\t 2 allocs/op\nBenchmarkRead/ours-2 4 40 ns/op 68 MB/s\nPASS\n"))
	require.NoError(t, err)
	require.Len(t, found["BenchmarkRead/ours"], 2)
	require.InDelta(t, 67.2, found["BenchmarkRead/ours"][0]["MB/s"], 0)
	require.InDelta(t, 2, found["BenchmarkRead/ours"][0]["allocs/op"], 0)
}

func TestADirectoryWithUnrelatedFilesIsNotEmptied(t *testing.T) {
	dir := t.TempDir()
	unrelated := filepath.Join(dir, "unrelated")
	require.NoError(t, os.WriteFile(unrelated, nil, 0o600))
	_, err := Run(t.Context(), Options{Dir: dir, Only: []string{"small"}})
	require.ErrorContains(t, err, "name another directory")
	require.FileExists(t, unrelated)
	require.NoError(t, os.Remove(unrelated))
	require.NoError(t, checkEmptiable(dir))
	require.NoError(t, os.WriteFile(filepath.Join(dir, markerFile), nil, 0o600))
	require.NoError(t, os.WriteFile(unrelated, nil, 0o600))
	require.NoError(t, checkEmptiable(dir), "a directory that a killed run has left")
}

func TestAnUnknownPartIsAnError(t *testing.T) {
	_, err := Run(t.Context(), Options{Dir: t.TempDir(), Only: []string{"everything"}})
	require.ErrorContains(t, err, `nothing called "everything"`)
}

func TestAQuickRunHasSmallerAccounts(t *testing.T) {
	quick, thorough := Options{Quick: true}.withDefaults(), Options{}.withDefaults()
	require.Equal(t, []int64{1_000, 100_000, 1_000_000, 10_000_000}, thorough.Sizes)
	require.Less(t, quick.Sizes[len(quick.Sizes)-1], thorough.Sizes[len(thorough.Sizes)-1])
	require.Equal(t, 3, quick.Runs)
	require.Equal(t, 50, quick.InFlight)
	require.Equal(t, []int64{5, 7}, Options{Quick: true, Sizes: []int64{7, 5}}.withDefaults().Sizes)
}

func TestMedian(t *testing.T) {
	require.Equal(t, 3, median([]int{9, 1, 3}))
	require.Zero(t, median([]time.Duration{}))
}

// measured returns a complete report.
func measured() *Report {
	cost := func(rows int64) Cost {
		return Cost{Rows: rows, Text: rows * 900, Stored: rows * 250, Objects: 13, Actions: Actions{"activities": 19, "timers": 3, "signals": 2},
			Requests: map[string]int{"PUT": 13 + int(rows/10_000), "GET": 14}, Database: time.Duration(rows) * 5 * time.Microsecond,
			Worker: time.Duration(rows) * 7 * time.Microsecond, Connections: time.Second, Took: time.Second}
	}
	size := func(rows int64, ours, baseline time.Duration) Size {
		return Size{Rows: rows, Text: rows * 900, Peak: 90 << 20, Ours: []time.Duration{ours, ours, ours}, Baseline: []time.Duration{baseline, baseline, baseline}}
	}
	second := []time.Duration{time.Second}
	return &Report{
		Began: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), Took: time.Hour, Machine: Machine{CPU: "Some", Cores: 2},
		Sizes: []Size{size(1_000, time.Second, time.Second), size(100_000, time.Second, 2*time.Second), size(1_000_000, 6*time.Second, 10*time.Second), size(10_000_000, 90*time.Second, 100*time.Second)},
		Small: Small{Took: []time.Duration{time.Second / 2}, Cost: cost(1_000)}, Large: cost(1_000_000),
		Download: Downloads{Bytes: 1 << 28, Ours: second, Plain: second}, Throughput: Throughput{Exports: 150, InFlight: 50, Ours: []float64{100}, Bare: []float64{400}},
		Workers: []WorkersRun{{Workers: 2, Exports: 100, PerMinute: 150, Shares: []int{900, 1_000}}},
		Bulk:    Bulk{Days: 60, Messages: 2_000_000, Ours: second, Baseline: second},
		Stages:  []Stage{{Name: "read", Benchmark: "BenchmarkRead/ours", Of: text, PerSecond: 2e8, Allocations: 0.002}},
	}
}

func TestVerdictsComparePromisesWithFloorAndGoal(t *testing.T) {
	verdicts := map[float64]string{}
	for _, l := range measured().Lines() {
		if l.Goal > 0 {
			verdicts[l.Ratio] = l.Verdict()
		}
	}
	require.Equal(t, map[float64]string{0.6: "goal", 0.9: "goal", 90: "goal", 0.5: "goal", 24: "goal", 1: "goal"}, verdicts)
	require.Equal(t, "missed", Line{Ratio: 0.3, Floor: 0.4, Goal: 0.8, MoreIsBetter: true}.Verdict())
	require.Equal(t, "floor", Line{Ratio: 0.5, Floor: 0.4, Goal: 0.8, MoreIsBetter: true}.Verdict())
	require.Equal(t, "floor", Line{Ratio: 1.4, Floor: 1.5, Goal: 1.1}.Verdict())
	require.Equal(t, "missed", Line{Ratio: 1.6, Floor: 1.5, Goal: 1.1}.Verdict())
}

func TestAReportBecomesATableTwoPagesAndTwoPictures(t *testing.T) {
	r, dir := measured(), t.TempDir()
	var table bytes.Buffer
	require.NoError(t, r.Print(&table))
	require.Contains(t, table.String(), "Export of 1,000,000 rows ÷ psql and gzip -1")
	require.Equal(t, 1+len(r.Lines()), strings.Count(table.String(), "\n"))
	require.NoError(t, r.Write(dir))
	for _, name := range []string{"benchmarks.md", "scale.md"} {
		page, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		for _, wrong := range []string{"<no value>", "NaN", "Inf", "%!"} {
			require.NotContains(t, string(page), wrong, name)
		}
	}
	for _, name := range []string{"time.png", "memory.png"} {
		file, err := os.Open(filepath.Join(dir, "benchmarks", name))
		require.NoError(t, err)
		picture, err := png.Decode(file)
		require.NoError(t, err)
		require.Greater(t, picture.Bounds().Dx(), 300)
		require.NoError(t, file.Close())
	}
}

func TestMissingMeasurementsAreOmitted(t *testing.T) {
	r, dir := &Report{}, t.TempDir()
	require.Empty(t, r.Lines())
	require.NoError(t, r.Write(dir))
	require.NoFileExists(t, filepath.Join(dir, "scale.md"))
}

func TestScaleInterpolatesCostsLinearly(t *testing.T) {
	s := measured().scale()
	for _, each := range s.Each {
		if each.What == "Postgres, processor seconds" {
			require.InDelta(t, 5, each.PerMillion, 0.01)
			require.InDelta(t, 0, each.Fixed, 0.01)
			require.InDelta(t, 2.5, each.of(0.5), 0.01)
		}
	}
	platforms := s.Platforms()
	require.InDelta(t, 100*platforms[0].Actions, platforms[1].Actions, 0.01)
	require.InDelta(t, 1e6*0.01*24, platforms[1].Actions, 0.01)
	require.InDelta(t, 1e6*0.01/30*3, platforms[1].Exports, 0.01)
}
