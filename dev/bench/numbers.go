package bench

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// median returns the median, or zero without measurements.
func median[T cmp.Ordered](of []T) (none T) {
	if len(of) == 0 {
		return none
	}
	return slices.Sorted(slices.Values(of))[len(of)/2]
}

// grouped formats a number with thousands separators.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	var parts []string
	for len(digits) > 3 {
		parts = append(parts, digits[len(digits)-3:])
		digits = digits[:len(digits)-3]
	}
	parts = append(parts, digits)
	slices.Reverse(parts)
	return strings.Join(parts, ",")
}

func seconds(d time.Duration) string {
	switch s := d.Seconds(); {
	case s < 1:
		return fmt.Sprintf("%.0f ms", s*1000)
	case s < 10:
		return fmt.Sprintf("%.2f s", s)
	default:
		return fmt.Sprintf("%.1f s", s)
	}
}

func mebibytes(n int64) string {
	switch m := float64(n) / (1 << 20); {
	case m >= 10*1024:
		return fmt.Sprintf("%.0f GiB", m/1024)
	case m >= 10:
		return fmt.Sprintf("%.0f MiB", m)
	default:
		return fmt.Sprintf("%.1f MiB", m)
	}
}

// short formats a number with about three significant digits.
func short(n float64) string {
	switch {
	case n >= 1000:
		return grouped(int64(n + 0.5))
	case n >= 100:
		return strconv.FormatFloat(n, 'f', 0, 64)
	case n >= 10:
		return strconv.FormatFloat(n, 'f', 1, 64)
	case n > 0 && n < 0.1:
		return strconv.FormatFloat(n, 'g', 2, 64)
	}
	return strconv.FormatFloat(n, 'f', 2, 64)
}
