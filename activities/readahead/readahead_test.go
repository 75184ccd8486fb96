package readahead_test

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"satchel/activities/readahead"
)

func count(to int) func(*int) (func(), bool) {
	n := 0
	return func(buf *int) (func(), bool) {
		n++
		value := n
		return func() { *buf = value }, n <= to
	}
}

func TestValuesComeInOrderInAFixedNumberOfBuffers(t *testing.T) {
	defer goleak.VerifyNone(t)
	r := readahead.Start([]*int{new(int), new(int), new(int)}, count(100))
	defer r.Close()
	buffers := map[*int]bool{}
	for want := 1; want <= 100; want++ {
		got, ok := r.Next()
		require.True(t, ok)
		require.Equal(t, want, *got)
		buffers[got] = true
		r.Release(got)
	}
	_, ok := r.Next()
	require.False(t, ok)
	require.LessOrEqual(t, len(buffers), 3)
}

func TestNothingIsProducedBeyondTheBuffersAndCloseWaits(t *testing.T) {
	defer goleak.VerifyNone(t)
	var produced atomic.Int64
	r := readahead.Start([]*int{new(int), new(int)}, func(*int) (func(), bool) {
		produced.Add(1)
		return nil, true
	})
	_, ok := r.Next()
	require.True(t, ok)
	_, ok = r.Next()
	require.True(t, ok)
	require.EqualValues(t, 2, produced.Load())
	r.Close()
}
