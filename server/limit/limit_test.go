package limit

import (
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
	b := New(2, 3, func() time.Time { return now })
	for range 3 {
		require.Zero(t, b.Wait("ada"))
		require.Zero(t, b.Take("ada"))
	}
	require.Equal(t, 500*time.Millisecond, b.Take("ada"))
	require.Equal(t, 500*time.Millisecond, b.Wait("ada"))
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
	b := New(1, 10, func() time.Time { return now })
	for i := range 3 * maxBuckets {
		require.Zero(t, b.Take(strconv.Itoa(i)))
	}
	require.LessOrEqual(t, len(b.buckets), maxBuckets)

	now = now.Add(time.Minute)
	require.Zero(t, b.Take("ada"))
	require.Len(t, b.buckets, 1, "full buckets are deleted")
}

func TestAFractionOfATokenIsNoToken(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := New(1, 1, func() time.Time { return now })
	require.Zero(t, b.Take("ada"))
	now = now.Add(999 * time.Millisecond)
	require.Equal(t, time.Millisecond, b.Wait("ada").Round(time.Microsecond))
	require.NotZero(t, b.Take("ada"))
	now = now.Add(time.Millisecond)
	require.Zero(t, b.Take("ada"), "the rejected Take has taken nothing")
}

func TestAfterTheWaitThereIsAToken(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{0.2, 1, 0.3, 3, 7, 11, 13, 50} {
		now := time.Now()
		b := New(rate, 1, func() time.Time { return now })
		require.Zero(t, b.Take("ada"))
		now = now.Add(b.Wait("ada"))
		require.Zero(t, b.Take("ada"), "at %v per second", rate)
		require.Greater(t, b.Wait("ada"), time.Millisecond, "it is taken")
	}
}

func TestSweepingKeepsBucketsThatAreNotFull(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := New(1, 10, func() time.Time { return now })
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
	require.NotContains(t, b.buckets, "bob")
	require.Contains(t, b.buckets, "ada")
	for range 9 {
		require.Zero(t, b.Take("ada"))
	}
	require.NotZero(t, b.Take("ada"), "a bucket with 9 of 10 tokens is kept")
}

func TestOnlyAFloodDeletesBucketsThatAreNotFull(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := New(1, 10, func() time.Time { return now })
	const keys = maxBuckets - 2
	for i := range keys {
		b.Take(strconv.Itoa(i))
	}
	b.swept = time.Time{}
	b.Take("ada") // sweeps
	require.Equal(t, now, b.swept)
	require.Len(t, b.buckets, keys+1)
}

func TestABucketNeverHoldsMoreThanItsBurst(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := New(1, 10, func() time.Time { return now })
	require.Zero(t, b.Take("ada"))
	now = now.Add(9 * time.Second) // too early for a sweep
	for range 10 {
		require.Zero(t, b.Take("ada"))
	}
	require.NotZero(t, b.Take("ada"))
}

func TestWaitingTakesNothing(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := New(1, 1, func() time.Time { return now })
	for range 10 {
		require.Zero(t, b.Wait("ada"))
	}
	require.Empty(t, b.buckets)
	require.Zero(t, b.Take("ada"))
}

func TestBucketsAreReadAndWrittenUnderTheLock(t *testing.T) {
	t.Parallel()
	var b *Buckets
	reads := 0
	b = New(1, 10, func() time.Time {
		reads++
		if b.mu.TryLock() {
			b.mu.Unlock()
			t.Error("the lock is not held")
		}
		return time.Time{}
	})
	b.Take("ada")
	b.Wait("ada")
	require.Equal(t, 2, reads)
}

func TestConcurrentCallsTakeNoMoreThanTheBurst(t *testing.T) {
	t.Parallel()
	const burst = 100
	start := time.Now()
	b := New(1, burst, func() time.Time {
		runtime.Gosched() // another call may run between reading and writing a bucket
		return start
	})
	var taken atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range burst {
				b.Wait("ada")
				if b.Take("ada") == 0 {
					taken.Add(1)
				}
			}
		})
	}
	all.Wait()
	require.EqualValues(t, burst, taken.Load())
}
