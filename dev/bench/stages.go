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

// Stage is how fast one stage of an export is, alone on the machine.
type Stage struct {
	Name, Benchmark string
	Of              string  // what its megabytes are: text, or gzip
	PerSecond       float64 // bytes
	Allocations     float64 // for each byte
}

// stages are the benchmarks that stand for them.
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

// measureStages runs Go's own benchmarks of the packages that do the work.
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
	for _, some := range []struct{ pkg, pattern string }{
		{"./schema/store/source", "^BenchmarkRead$/^ours$"},
		{"./schema/store/source", "^BenchmarkRecord$"},
		{"./activities", "^(BenchmarkPieceWriter|BenchmarkAssemble)$"},
		{"./activities/vault", "^(BenchmarkSeal|BenchmarkPut|BenchmarkVerify|BenchmarkStream|BenchmarkTextReader)$"},
	} {
		args := []string{"test", "-run", "^$", "-bench", some.pattern, "-benchtime", long, "-count", count, some.pkg}
		if some.pkg == "./schema/store/source" {
			args = append(args, "-rows", rows)
		}
		test := exec.CommandContext(ctx, "go", args...)
		test.Dir, test.Env = root, services.Environ()
		out, err := test.CombinedOutput()
		if err != nil {
			return fmt.Errorf("measure the stages in %s: %w\n%s", some.pkg, err, out)
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

var procs = regexp.MustCompile(`-\d+$`)

// readBenchmarks reads what go test says of benchmarks: by name, for each run
// the value of each unit.
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
				return nil, fmt.Errorf("%q is no benchmark's line", lines.Text())
			}
			run[fields[i+1]] = value
		}
		name := procs.ReplaceAllString(fields[0], "")
		found[name] = append(found[name], run)
	}
	return found, lines.Err()
}
