package limit

import (
	"strconv"
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
	require.Len(t, b.buckets, 1, "full buckets are forgotten")
}
