package bench

import (
	"bytes"
	_ "embed"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"
)

//go:embed benchmarks.md.tmpl
var benchmarksPage string

//go:embed scale.md.tmpl
var scalePage string

var functions = template.FuncMap{
	"grouped": grouped, "seconds": seconds, "mebibytes": mebibytes, "short": short, "speed": speed,
	"median": median[time.Duration], "medianOf": median[float64],
	"each": func(all []time.Duration) string {
		words := make([]string, len(all))
		for i, one := range all {
			words[i] = seconds(one)
		}
		return strings.Join(words, ", ")
	},
	"counts": func(of map[string]int) string {
		var words []string
		for _, what := range slices.Sorted(maps.Keys(of)) {
			words = append(words, fmt.Sprintf("%d %s", of[what], what))
		}
		return strings.Join(words, ", ")
	},
	"plain": func(a Actions) map[string]int { return a },
	"sum": func(of map[string]int) (n int) {
		for _, one := range of {
			n += one
		}
		return n
	},
	"megabytes": func(perSecond float64) string { return short(perSecond / 1e6) },
	"stored":    func(megabytes float64) string { return short(megabytes/1e3) + " GB" },
	"rows":      func(n float64) string { return grouped(int64(n + 0.5)) },
	"percent":   func(n float64) string { return short(n*100) + " %" },
}

// Write writes the pages and their plots.
func (r *Report) Write(dir string) error {
	pictures := filepath.Join(dir, "benchmarks")
	if err := os.MkdirAll(pictures, 0o755); err != nil {
		return err
	}
	if len(r.Sizes) > 1 {
		if err := drawTime(r.Sizes, pictures); err != nil {
			return err
		}
		if err := drawMemory(r.Sizes, pictures); err != nil {
			return err
		}
	}
	if err := writePage(filepath.Join(dir, "benchmarks.md"), benchmarksPage, r); err != nil {
		return err
	}
	if r.Small.Cost.Rows == 0 || r.Large.Rows == 0 {
		return nil // nothing to compute from
	}
	return writePage(filepath.Join(dir, "scale.md"), scalePage, r.scale())
}

func writePage(path, page string, data any) error {
	parsed, err := template.New(filepath.Base(path)).Funcs(functions).Parse(page)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := parsed.Execute(&text, data); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.WriteFile(path, text.Bytes(), 0o644)
}

// RowsPerSecond returns the speed of a stage in rows, or 0 if the size of a row was
// not measured.
func (r *Report) RowsPerSecond(s Stage) float64 {
	if size := r.rowSize(s.Of); size > 0 {
		return s.PerSecond / size
	}
	return 0
}

// AllocationsPerRow returns the number of allocations of a stage per row.
func (r *Report) AllocationsPerRow(s Stage) float64 { return s.Allocations * r.rowSize(s.Of) }

// rowSize returns the average size of a row in the largest export whose cost was
// counted, in bytes of text or of gzip.
func (r *Report) rowSize(of string) float64 {
	switch c := r.Large; {
	case c.Rows == 0:
		return 0
	case of == gzipped:
		return float64(r.Download.Bytes) / float64(c.Rows)
	default:
		return float64(c.Text) / float64(c.Rows)
	}
}
