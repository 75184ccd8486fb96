package bench

import (
	"context"
	"time"
)

// Bulk is a job of many days, by us and by hand.
type Bulk struct {
	Days         int
	Messages     int64
	Ours, ByHand []time.Duration
}

// Ratio is how long we take where doing it by hand takes 1.
func (b Bulk) Ratio() float64 { return median(b.Ours).Seconds() / median(b.ByHand).Seconds() }

func (b *bench) measureBulk(ctx context.Context) error { return nil }
