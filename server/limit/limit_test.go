package limit

import (
	"context"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAnEmptyBucketReturnsHowLongToWait(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := NewRates(2, 3, func() time.Time { return now })
	for range 3 {
		require.Zero(t, b.Take("ada"))
	}
	require.Equal(t, 500*time.Millisecond, b.Take("ada"))
	require.Equal(t, 500*time.Millisecond, b.Take("ada"), "a refused event is not counted")
	require.Zero(t, b.Take("bob"), "each key has its own bucket")

	now = now.Add(500 * time.Millisecond)
	require.Zero(t, b.Take("ada"))
	require.NotZero(t, b.Take("ada"))

	now = now.Add(time.Hour)
	for range 3 {
		require.Zero(t, b.Take("ada"))
	}
	require.NotZero(t, b.Take("ada"), "a bucket never holds more than its burst")
}

func TestAFloodOfKeysTakesBoundedMemory(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := NewRates(1, 10, func() time.Time { return now })
	for i := range 3 * maxKeys {
		require.Zero(t, b.Take(strconv.Itoa(i)))
	}
	require.LessOrEqual(t, len(b.limiters), maxKeys)

	now = now.Add(time.Minute)
	require.Zero(t, b.Take("ada"))
	require.Len(t, b.limiters, 1, "full buckets are deleted")
}

func TestAFractionOfATokenIsNoToken(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := NewRates(1, 1, func() time.Time { return now })
	require.Zero(t, b.Take("ada"))
	now = now.Add(999 * time.Millisecond)
	require.Equal(t, time.Millisecond, b.Take("ada").Round(time.Microsecond))
	require.NotZero(t, b.Take("ada"))
	now = now.Add(time.Millisecond)
	require.Zero(t, b.Take("ada"), "the rejected Take has taken nothing")
}

func TestAfterTheWaitThereIsAToken(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{0.2, 1, 0.3, 3, 7, 11, 13, 50} {
		now := time.Now()
		b := NewRates(rate, 1, func() time.Time { return now })
		require.Zero(t, b.Take("ada"))
		now = now.Add(b.Take("ada") + time.Microsecond) // Retry-After is rounded up to seconds
		require.Zero(t, b.Take("ada"), "at %v per second", rate)
		require.Greater(t, b.Take("ada"), time.Millisecond, "it is taken")
	}
}

func TestSweepingKeepsBucketsThatAreNotFull(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := NewRates(1, 10, func() time.Time { return now })
	for range 10 {
		require.Zero(t, b.Take("ada"))
	}
	now = now.Add(5 * time.Second)
	for range 5 {
		require.Zero(t, b.Take("bob"))
	}
	now = now.Add(5 * time.Second) // ada's bucket is full again, bob's is as well
	for range 10 {
		require.Zero(t, b.Take("ada"))
	}
	now = now.Add(9 * time.Second)
	b.swept = now.Add(-time.Hour)
	require.Zero(t, b.Take("eve")) // sweeps
	require.NotContains(t, b.limiters, "bob")
	require.Contains(t, b.limiters, "ada")
	for range 9 {
		require.Zero(t, b.Take("ada"))
	}
	require.NotZero(t, b.Take("ada"), "a bucket with 9 of 10 tokens is kept")
}

func TestOnlyAFloodDeletesBucketsThatAreNotFull(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := NewRates(1, 10, func() time.Time { return now })
	const keys = maxKeys - 2
	for i := range keys {
		b.Take(strconv.Itoa(i))
	}
	b.swept = time.Time{}
	b.Take("ada") // sweeps
	require.Equal(t, now, b.swept)
	require.Len(t, b.limiters, keys+1)
}

func TestABucketNeverHoldsMoreThanItsBurst(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := NewRates(1, 10, func() time.Time { return now })
	require.Zero(t, b.Take("ada"))
	now = now.Add(9 * time.Second) // too early for a sweep
	for range 10 {
		require.Zero(t, b.Take("ada"))
	}
	require.NotZero(t, b.Take("ada"))
}

func TestBucketsAreReadAndWrittenUnderTheLock(t *testing.T) {
	t.Parallel()
	var b *Rates
	reads := 0
	b = NewRates(1, 10, func() time.Time {
		reads++
		if b.mu.TryLock() {
			b.mu.Unlock()
			t.Error("the lock is not held")
		}
		return time.Time{}
	})
	b.Take("ada")
	require.Equal(t, 1, reads)
}

func TestConcurrentCallsTakeNoMoreThanTheBurst(t *testing.T) {
	t.Parallel()
	const burst = 100
	start := time.Now()
	b := NewRates(1, burst, func() time.Time {
		runtime.Gosched() // another call may run between reading and writing a bucket
		return start
	})
	var taken atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range burst {
				if b.Take("ada") == 0 {
					taken.Add(1)
				}
			}
		})
	}
	all.Wait()
	require.EqualValues(t, burst, taken.Load())
}

func TestRunningAndMemoryAreGivenBack(t *testing.T) {
	t.Parallel()
	r := NewRunning(2)
	end, ok := r.Begin("ada")
	require.True(t, ok)
	_, ok = r.Begin("ada")
	require.True(t, ok)
	_, ok = r.Begin("ada")
	require.False(t, ok)
	_, ok = r.Begin("bob")
	require.True(t, ok, "each key has its own")
	end()
	require.Equal(t, 1, r.Count("ada"))
	_, ok = r.Begin("ada")
	require.True(t, ok)

	m := NewMemory(10)
	require.True(t, m.Plenty(5))
	release, ok := m.Reserve("ada", 5)
	require.True(t, ok)
	require.False(t, m.Plenty(1))
	_, ok = m.Reserve("bob", 3)
	require.False(t, ok, "more than would be left")
	_, ok = m.Reserve("bob", 2)
	require.True(t, ok)
	release()
	require.Len(t, m.by, 1)
	_, ok = m.Reserve("ada", 4)
	require.True(t, ok)
}

func TestNoCallerCanHaveMoreMemoryThanIsLeftForOthers(t *testing.T) {
	t.Parallel()
	m := NewMemory(1000)
	taken := map[string]int{}
	for _, key := range []string{"ada", "bob", "eve"} { // each takes all that it gets
		for {
			if _, ok := m.Reserve(key, 1); !ok {
				break
			}
			taken[key]++
		}
	}
	require.Equal(t, map[string]int{"ada": 500, "bob": 250, "eve": 125}, taken)
}

func TestTurnsOfAKeyAreTakenAFewAtATime(t *testing.T) {
	t.Parallel()
	turns := NewTurns(2)
	var ends []func()
	for range 2 {
		end, err := turns.Wait(t.Context(), "ada")
		require.NoError(t, err)
		ends = append(ends, end)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := turns.Wait(ctx, "ada")
	require.ErrorIs(t, err, context.Canceled)
	end, err := turns.Wait(t.Context(), "bob")
	require.NoError(t, err, "each key has its own")
	end()
	next := make(chan error)
	go func() {
		end, err := turns.Wait(t.Context(), "ada")
		if err == nil {
			end()
		}
		next <- err
	}()
	ends[0]()
	require.NoError(t, <-next)
	ends[1]()
	require.Empty(t, turns.queue, "nothing is kept of those who have gone")
}
