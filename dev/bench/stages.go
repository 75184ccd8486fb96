package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"satchel/dev/services"
)

// Stage is the speed of one stage of an export, measured alone.
type Stage struct {
	Name, Benchmark string
	Of              string  // unit of its bytes: text or gzipped
	PerSecond       float64 // bytes
	Allocations     float64 // per byte
}

// stages lists the stages, each with the benchmark that measures it.
var stages = []Stage{
	{Name: "read: Postgres to JSON text", Benchmark: "BenchmarkRead/ours", Of: text},
	{Name: "encode: one row to JSON text", Benchmark: "BenchmarkRecord", Of: text},
	{Name: "compress: text to pieces", Benchmark: "BenchmarkPieceWriter", Of: text},
	{Name: "seal: encrypt to a key", Benchmark: "BenchmarkSeal", Of: gzipped},
	{Name: "store: seal and put a piece", Benchmark: "BenchmarkPut", Of: gzipped},
	{Name: "assemble: pieces to an archive", Benchmark: "BenchmarkAssemble", Of: text},
	{Name: "verify: read back and hash", Benchmark: "BenchmarkVerify", Of: gzipped},
	{Name: "download, gzip: unseal", Benchmark: "BenchmarkStream", Of: gzipped},
	{Name: "download, inflated", Benchmark: "BenchmarkTextReader", Of: text},
}

const (
	text    = "text"
	gzipped = "gzip"
)

// measureStages runs the Go benchmarks of the packages that export data.
func (b *bench) measureStages(ctx context.Context) error {
	root, err := services.Root()
	if err != nil {
		return err
	}
	long, count, rows := "1s", "3", "100000"
	if b.Quick {
		long, count, rows = "200ms", "1", "20000"
	}
	b.say("Measuring each stage alone.")
	var output strings.Builder
	for _, run := range []struct{ pkg, pattern string }{
		{"./schema/store/source", "^BenchmarkRead$/^ours$"},
		{"./schema/store/source", "^BenchmarkRecord$"},
		{"./activities", "^(BenchmarkPieceWriter|BenchmarkAssemble)$"},
		{"./activities/vault", "^(BenchmarkSeal|BenchmarkPut|BenchmarkVerify|BenchmarkStream|BenchmarkTextReader)$"},
	} {
		args := []string{"test", "-run", "^$", "-bench", run.pattern, "-benchtime", long, "-count", count, run.pkg}
		if run.pkg == "./schema/store/source" {
			args = append(args, "-rows", rows)
		}
		test := exec.CommandContext(ctx, "go", args...)
		test.Dir, test.Env = root, services.Environ()
		out, err := test.CombinedOutput()
		if err != nil {
			return fmt.Errorf("measure the stages in %s: %w\n%s", run.pkg, err, out)
		}
		output.Write(out)
	}
	found, err := readBenchmarks(strings.NewReader(output.String()))
	if err != nil {
		return err
	}
	for _, stage := range stages {
		runs := found[stage.Benchmark]
		if len(runs) == 0 {
			return fmt.Errorf("measure the stages: %s output nothing", stage.Benchmark)
		}
		var speeds, allocations []float64
		for _, run := range runs {
			speed := run["MB/s"] * 1e6
			speeds, allocations = append(speeds, speed), append(allocations, run["allocs/op"]/(speed*run["ns/op"]/1e9))
		}
		stage.PerSecond, stage.Allocations = median(speeds), median(allocations)
		b.report.Stages = append(b.report.Stages, stage)
	}
	return nil
}

// procs is the GOMAXPROCS suffix of a benchmark's name.
var procs = regexp.MustCompile(`-\d+$`)

// readBenchmarks parses the output of go test -bench. It returns the runs of each
// benchmark by name; a run maps units to values.
func readBenchmarks(from io.Reader) (map[string][]map[string]float64, error) {
	found := map[string][]map[string]float64{}
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		run := map[string]float64{}
		for i := 2; i+1 < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return nil, fmt.Errorf("%q is not the result of a benchmark", lines.Text())
			}
			run[fields[i+1]] = value
		}
		name := procs.ReplaceAllString(fields[0], "")
		found[name] = append(found[name], run)
	}
	return found, lines.Err()
}
