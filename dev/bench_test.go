package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBenchFlags(t *testing.T) {
	cmd, command := parse(t, "bench", "--quick", "--sizes", "1000,5000", "--workers", "2,3", "--only", "sizes,workers")
	require.Equal(t, "bench", command)
	require.True(t, cmd.Bench.Quick)
	require.Equal(t, []int64{1000, 5000}, cmd.Bench.Sizes)
	require.Equal(t, []int{2, 3}, cmd.Bench.Workers)
	require.Equal(t, []string{"sizes", "workers"}, cmd.Bench.Only)
}
