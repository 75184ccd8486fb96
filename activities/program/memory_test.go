package program

import (
	"log/slog"
	"os"
	"runtime/debug"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/stretchr/testify/require"
)

func TestTheHeapStaysBelowTheLimitOfTheCgroupUnlessGOMEMLIMITIsSet(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	t.Setenv("GOMEMLIMIT", "") // restores it
	require.NoError(t, os.Unsetenv("GOMEMLIMIT"))
	limitMemory(slog.New(slog.DiscardHandler), memlimit.Limit(1<<30))
	require.EqualValues(t, 966367641, debug.SetMemoryLimit(-1))

	t.Setenv("GOMEMLIMIT", "2GiB")
	limitMemory(slog.New(slog.DiscardHandler), memlimit.Limit(1<<30))
	require.EqualValues(t, 966367641, debug.SetMemoryLimit(-1), "the runtime has read it already")
}
