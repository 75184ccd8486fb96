package bench

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOwnMemoryAndProcessorTime(t *testing.T) {
	peak, err := peakMemory(os.Getpid())
	require.NoError(t, err)
	require.Greater(t, peak, int64(1<<20))
	before, err := cpuTime(os.Getpid())
	require.NoError(t, err)
	for began := time.Now(); time.Since(began) < 100*time.Millisecond; { //nolint:revive // work
	}
	after, err := cpuTime(os.Getpid())
	require.NoError(t, err)
	require.GreaterOrEqual(t, after, before)
	_, err = peakMemory(1 << 30)
	require.Error(t, err)
}
