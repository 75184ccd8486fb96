package browser

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// screenshot writes a picture of the page. It cuts off the section about exports in
// general, which is the same in every state, unless whole is set.
func (b *tab) screenshot(name string, whole bool) {
	b.t.Helper()
	b.waitUntil("no animation is running", `document.fonts.status === 'loaded' && document.getAnimations().length === 0`)
	ctx, cancel := withTimeout(b.ctx)
	defer cancel()
	taken, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	require.NoError(b.t, err)
	picture, err := png.Decode(bytes.NewReader(taken))
	require.NoError(b.t, err)
	frame := picture.Bounds()
	if about := mustEval[int](b, `Math.floor((document.querySelector('.about')?.getBoundingClientRect().top ?? 0) + scrollY)`); about > 0 && !whole {
		frame.Max.Y = min(frame.Max.Y, about)
	}
	var kept bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	require.NoError(b.t, encoder.Encode(&kept, quantize(picture, frame)))
	require.NoError(b.t, os.MkdirAll(*screenshots, 0o755))
	require.NoError(b.t, os.WriteFile(filepath.Join(*screenshots, name+".png"), kept.Bytes(), 0o644))
}

// quantize reduces the frame to at most 256 colours, so that the file is small: the most
// frequent ones, and the most frequent of each shade that these lack, so that every
// colour keeps its shade.
func quantize(picture image.Image, frame image.Rectangle) *image.Paletted {
	whole := image.NewRGBA(image.Rect(0, 0, frame.Dx(), frame.Dy()))
	draw.Draw(whole, whole.Bounds(), picture, frame.Min, draw.Src)
	count := map[color.RGBA]int{}
	for i := 0; i < len(whole.Pix); i += 4 {
		count[colourAt(whole, i)]++
	}
	var palette color.Palette
	shades := map[color.RGBA]bool{}
	for _, c := range slices.SortedFunc(maps.Keys(count), func(a, b color.RGBA) int {
		return cmp.Or(count[b]-count[a], int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B))
	}) {
		shade := color.RGBA{c.R >> 4, c.G >> 4, c.B >> 4, c.A}
		if len(palette) < 64 || !shades[shade] && len(palette) < 256 {
			palette = append(palette, c)
			shades[shade] = true
		}
	}
	nearest := map[color.RGBA]uint8{}
	for c := range count {
		nearest[c] = uint8(palette.Index(c))
	}
	paletted := image.NewPaletted(whole.Bounds(), palette)
	for i := range paletted.Pix {
		paletted.Pix[i] = nearest[colourAt(whole, 4*i)]
	}
	return paletted
}

func colourAt(picture *image.RGBA, i int) color.RGBA {
	p := picture.Pix[i : i+4]
	return color.RGBA{p[0], p[1], p[2], p[3]}
}
