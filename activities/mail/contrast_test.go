package mail

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
)

var (
	darkRule  = regexp.MustCompile(`\.([a-z]+) \{ (background-color|color): (#[0-9a-f]{6}) !important`)
	inkOf     = regexp.MustCompile(`(?:^|;)color:(#[0-9a-f]{6})`)
	groundOf  = regexp.MustCompile(`background-color:(#[0-9a-f]{6})`)
	wcagLevel = 4.5 // AA, for text of any size
)

// Every text node is measured against its background, in light and in dark mode.
func TestTextHasEnoughContrastInLightAndDarkMode(t *testing.T) {
	for _, kind := range Kinds {
		_, page, _ := mustRender(t, kind, sampleData(kind))
		dark := map[string]string{}
		for _, rule := range darkRule.FindAllStringSubmatch(page, -1) {
			dark[rule[1]+" "+rule[2]] = rule[3]
		}
		require.NotEmpty(t, dark)
		root, err := html.Parse(strings.NewReader(page))
		require.NoError(t, err)
		for _, overrides := range []map[string]string{nil, dark} {
			measured := 0
			var walk func(n *html.Node, ink, ground string)
			walk = func(n *html.Node, ink, ground string) {
				if n.Data == "head" {
					return
				}
				if n.Type == html.TextNode && strings.TrimSpace(n.Data) != "" {
					measured++
					require.GreaterOrEqual(t, contrast(t, ink, ground), wcagLevel, "%s: %q is %s on %s", kind, n.Data, ink, ground)
				}
				style := attr(n, "style")
				if found := inkOf.FindStringSubmatch(style); found != nil {
					ink = found[1]
				}
				if found := groundOf.FindStringSubmatch(style); found != nil {
					ground = found[1]
				}
				for _, class := range strings.Fields(attr(n, "class")) {
					if c := overrides[class+" color"]; c != "" {
						ink = c
					}
					if c := overrides[class+" background-color"]; c != "" {
						ground = c
					}
				}
				for c := n.FirstChild; c != nil; c = c.NextSibling {
					walk(c, ink, ground)
				}
			}
			walk(root, "", "")
			require.Greater(t, measured, 15)
		}
	}
}

// contrast returns the contrast ratio as WCAG 2 defines it.
func contrast(t *testing.T, a, b string) float64 {
	la, lb := luminance(t, a), luminance(t, b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(t *testing.T, colour string) (sum float64) {
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		require.NoError(t, err)
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
