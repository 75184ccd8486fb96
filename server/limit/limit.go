// Package limit bounds what one caller can cost the others: how often something
// may be done (Rates), how much of it may run at once (Running), and how much
// memory it may take (Memory). All of it is per process: two servers behind one
// address allow twice as much.
package limit

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxKeys bounds the memory that a flood of keys can take.
const maxKeys = 100_000

// Rates are rate limiters, one for each key. They are safe for concurrent use.
type Rates struct {
	limit rate.Limit
	burst int
	now   func() time.Time

	mu       sync.Mutex
	limiters map[string]*rate.Limiter
	swept    time.Time
}

// NewRates makes Rates that allow burst events at once and perSecond in the long
// run.
func NewRates(perSecond float64, burst int, now func() time.Time) *Rates {
	return &Rates{limit: rate.Limit(perSecond), burst: burst, now: now, limiters: map[string]*rate.Limiter{}}
}

// Take counts an event of the key and returns 0. Where the limit is met, it counts
// nothing and returns how long to wait.
func (r *Rates) Take(key string) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	limiter, ok := r.limiters[key]
	if !ok {
		r.sweep(now)
		limiter = rate.NewLimiter(r.limit, r.burst)
		r.limiters[key] = limiter
	}
	reservation := limiter.ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now)
	}
	return wait
}

// IsMet reports whether Take would refuse the key now.
func (r *Rates) IsMet(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	limiter, ok := r.limiters[key]
	return ok && limiter.TokensAt(r.now()) < 1
}

// sweep deletes the limiters that are as good as new, once in the time in which
// every other becomes so. Where there are still too many, it deletes arbitrary
// others.
func (r *Rates) sweep(now time.Time) {
	full := time.Duration(float64(r.burst) / float64(r.limit) * float64(time.Second))
	crowded := len(r.limiters) >= maxKeys
	if now.Sub(r.swept) < full && !crowded {
		return
	}
	r.swept = now
	for key, limiter := range r.limiters {
		if limiter.TokensAt(now) >= float64(r.burst) {
			delete(r.limiters, key)
		}
	}
	for key := range r.limiters {
		if len(r.limiters) < maxKeys*3/4 || !crowded {
			break
		}
		delete(r.limiters, key)
	}
}
