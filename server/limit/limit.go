// Package limit is a rate limiter with a token bucket for each key.
package limit

import (
	"math"
	"sync"
	"time"
)

// maxBuckets bounds the memory that a flood of keys can take.
const maxBuckets = 100_000

// Buckets are the token buckets of all keys. They are safe for concurrent use.
type Buckets struct {
	rate, burst float64
	now         func() time.Time

	mu      sync.Mutex
	buckets map[string]bucket
	swept   time.Time
}

type bucket struct {
	tokens float64
	at     time.Time
}

// New makes Buckets that start with burst tokens and refill by perSecond, up to burst.
func New(perSecond float64, burst int, now func() time.Time) *Buckets {
	return &Buckets{rate: perSecond, burst: float64(burst), now: now, buckets: map[string]bucket{}}
}

// Take takes a token from the key's bucket and returns 0. Where the bucket has
// less than one token, it takes nothing and returns how long to wait for one.
func (b *Buckets) Take(key string) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	b.sweep(now)
	tokens := b.tokens(key, now)
	if tokens < 1 {
		return b.until(tokens)
	}
	b.buckets[key] = bucket{tokens - 1, now}
	return 0
}

// Wait returns how long to wait until the key's bucket has a token, and takes
// none.
func (b *Buckets) Wait(key string) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if tokens := b.tokens(key, b.now()); tokens < 1 {
		return b.until(tokens)
	}
	return 0
}

func (b *Buckets) tokens(key string, now time.Time) float64 {
	last, ok := b.buckets[key]
	if !ok {
		return b.burst
	}
	return min(b.burst, last.tokens+now.Sub(last.at).Seconds()*b.rate)
}

func (b *Buckets) until(tokens float64) time.Duration {
	return time.Duration(math.Ceil((1 - tokens) / b.rate * float64(time.Second)))
}

// sweep deletes full buckets, which are as good as none, once in the time that
// an empty bucket takes to fill. Where there are still too many, it deletes
// arbitrary others.
func (b *Buckets) sweep(now time.Time) {
	fill := time.Duration(b.burst / b.rate * float64(time.Second))
	if now.Sub(b.swept) < fill && len(b.buckets) < maxBuckets {
		return
	}
	b.swept = now
	crowded := len(b.buckets) >= maxBuckets
	for key := range b.buckets {
		if b.tokens(key, now) >= b.burst {
			delete(b.buckets, key)
		}
	}
	for key := range b.buckets {
		if len(b.buckets) < maxBuckets*3/4 || !crowded {
			break
		}
		delete(b.buckets, key)
	}
}
