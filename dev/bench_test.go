package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestABenchmarkCanBeCutToWhatSomebodyHasTimeFor(t *testing.T) {
	told, command := parse(t, "bench", "--quick", "--sizes", "1000,5000", "--workers", "2,3", "--only", "sizes,workers")
	require.Equal(t, "bench", command)
	require.True(t, told.Bench.Quick)
	require.Equal(t, []int64{1000, 5000}, told.Bench.Sizes)
	require.Equal(t, []int{2, 3}, told.Bench.Workers)
	require.Equal(t, []string{"sizes", "workers"}, told.Bench.Only)
}
