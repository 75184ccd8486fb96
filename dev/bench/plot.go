package bench

import (
	"fmt"
	"image/color"
	"math"
	"path/filepath"
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

var (
	blue = color.RGBA{R: 0x1f, G: 0x5f, B: 0xbf, A: 0xff}
	grey = color.RGBA{R: 0x77, G: 0x77, B: 0x77, A: 0xff}
	red  = color.RGBA{R: 0xb0, G: 0x30, B: 0x30, A: 0xff}
)

// drawTime plots the time of exports against their rows.
func drawTime(sizes []Size, dir string) error {
	p := newPlot("Export of an account", "rows", "seconds")
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, powers{}
	of := func(took func(Size) []time.Duration) (line plotter.XYs) {
		for _, s := range sizes {
			line = append(line, plotter.XY{X: float64(s.Rows), Y: median(took(s)).Seconds()})
		}
		return line
	}
	ours, baseline := of(func(s Size) []time.Duration { return s.Ours }), of(func(s Size) []time.Duration { return s.Baseline })
	if err := addLine(p, "psql and gzip -1", baseline, grey); err != nil {
		return err
	}
	if err := addLine(p, "Satchel, confirmed to completed", ours, blue); err != nil {
		return err
	}
	least := slices.MinFunc(append(ours, baseline...), func(a, b plotter.XY) int { return sign(a.Y - b.Y) })
	most := slices.MaxFunc(append(ours, baseline...), func(a, b plotter.XY) int { return sign(a.Y - b.Y) })
	p.Y.Min, p.Y.Max = math.Pow(10, math.Floor(math.Log10(least.Y))), math.Pow(10, math.Ceil(math.Log10(most.Y)))
	return save(p, dir, "time.png")
}

// drawMemory plots the worker's peak memory against the rows of the export.
func drawMemory(sizes []Size, dir string) error {
	p := newPlot("Peak memory of the worker", "rows", "MiB")
	var peaks plotter.XYs
	top := 256.0
	for _, s := range sizes {
		peak := float64(s.Peak) / (1 << 20)
		peaks, top = append(peaks, plotter.XY{X: float64(s.Rows), Y: peak}), max(top, peak)
	}
	first, last := peaks[0].X, peaks[len(peaks)-1].X
	for _, limit := range []struct {
		name string
		mib  float64
	}{{"floor", 256}, {"goal", 128}} {
		line, err := plotter.NewLine(plotter.XYs{{X: first, Y: limit.mib}, {X: last, Y: limit.mib}})
		if err != nil {
			return err
		}
		line.Color, line.Dashes = red, []vg.Length{vg.Points(4), vg.Points(3)}
		if limit.name == "goal" {
			line.Color = grey
		}
		p.Add(line)
		p.Legend.Add(fmt.Sprintf("%s, %.0f MiB", limit.name, limit.mib), line)
	}
	if err := addLine(p, "VmHWM", peaks, blue); err != nil {
		return err
	}
	p.Y.Min, p.Y.Max = 0, top*1.5
	return save(p, dir, "memory.png")
}

func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.Padding, p.X.Padding, p.Y.Padding = vg.Points(8), vg.Points(4), vg.Points(4)
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, powers{}
	p.Legend.Top, p.Legend.Left, p.Legend.Padding = true, true, vg.Points(3)
	p.Add(plotter.NewGrid())
	return p
}

func addLine(p *plot.Plot, name string, points plotter.XYs, c color.Color) error {
	line, dots, err := plotter.NewLinePoints(points)
	if err != nil {
		return err
	}
	line.Color, line.Width = c, vg.Points(1.8)
	dots.Color, dots.Shape, dots.Radius = c, draw.CircleGlyph{}, vg.Points(3)
	p.Add(line, dots)
	p.Legend.Add(name, line, dots)
	return nil
}

func save(p *plot.Plot, dir, name string) error {
	if err := p.Save(7*vg.Inch, 4*vg.Inch, filepath.Join(dir, name)); err != nil {
		return fmt.Errorf("draw %s: %w", name, err)
	}
	return nil
}

func sign(d float64) int {
	switch {
	case d < 0:
		return -1
	case d > 0:
		return 1
	}
	return 0
}

// powers labels an axis at the powers of ten, in decimal notation.
type powers struct{}

// Ticks implements plot.Ticker.
func (powers) Ticks(least, most float64) (ticks []plot.Tick) {
	for at := math.Pow(10, math.Floor(math.Log10(least))); at <= most*1.001; at *= 10 {
		for i := 1; i < 10; i++ {
			tick := plot.Tick{Value: at * float64(i)}
			if i == 1 {
				tick.Label = axisNumber(at)
			}
			if tick.Value >= least*0.999 && tick.Value <= most*1.001 {
				ticks = append(ticks, tick)
			}
		}
	}
	return ticks
}

func axisNumber(n float64) string {
	if n >= 1 {
		return grouped(int64(n + 0.5))
	}
	return fmt.Sprintf("%g", n)
}
