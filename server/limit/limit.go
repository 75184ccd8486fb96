// Package limit tells who asks too often. Everybody has a bucket of tokens
// that refills at a steady rate; whoever finds it empty hears how long to wait.
package limit

import (
	"math"
	"sync"
	"time"
)

// most is how many buckets are remembered at once, so that a flood of callers
// costs a bounded amount of memory.
const most = 100_000

// Buckets are the tokens of all callers. They are safe for concurrent use.
type Buckets struct {
	rate, burst float64
	now         func() time.Time

	mu    sync.Mutex
	of    map[string]bucket
	swept time.Time
}

type bucket struct {
	tokens float64
	at     time.Time
}

// New refills every bucket by perSecond tokens, up to burst.
func New(perSecond float64, burst int, now func() time.Time) *Buckets {
	return &Buckets{rate: perSecond, burst: float64(burst), now: now, of: map[string]bucket{}}
}

// Take takes a token of key's and answers 0, or takes none and answers how
// long it will be until there is one.
func (b *Buckets) Take(key string) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	b.sweep(now)
	tokens := b.tokens(key, now)
	if tokens < 1 {
		return b.until(tokens)
	}
	b.of[key] = bucket{tokens - 1, now}
	return 0
}

// Wait answers how long it will be until key has a token, and takes none.
func (b *Buckets) Wait(key string) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if tokens := b.tokens(key, b.now()); tokens < 1 {
		return b.until(tokens)
	}
	return 0
}

func (b *Buckets) tokens(key string, now time.Time) float64 {
	had, ok := b.of[key]
	if !ok {
		return b.burst
	}
	return min(b.burst, had.tokens+now.Sub(had.at).Seconds()*b.rate)
}

func (b *Buckets) until(tokens float64) time.Duration {
	return time.Duration(math.Ceil((1 - tokens) / b.rate * float64(time.Second)))
}

// sweep forgets full buckets once in the time it takes to fill one, and some
// others where there are too many.
func (b *Buckets) sweep(now time.Time) {
	fill := time.Duration(b.burst / b.rate * float64(time.Second))
	if now.Sub(b.swept) < fill && len(b.of) < most {
		return
	}
	b.swept = now
	crowded := len(b.of) >= most
	for key := range b.of {
		if b.tokens(key, now) >= b.burst {
			delete(b.of, key)
		}
	}
	for key := range b.of {
		if len(b.of) < most*3/4 || !crowded {
			break
		}
		delete(b.of, key)
	}
}
