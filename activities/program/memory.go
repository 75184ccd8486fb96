package program

import (
	"log/slog"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// LimitMemory lets the garbage collector keep the process below nine tenths of what its
// cgroup may use, unless GOMEMLIMIT is set. Where there is no limit it does nothing.
func LimitMemory(logger *slog.Logger) { limitMemory(logger, memlimit.FromCgroup) }

func limitMemory(logger *slog.Logger, from memlimit.Provider) {
	if _, err := memlimit.Set(memlimit.WithProvider(from)); err != nil {
		logger.Debug("the memory limit of the cgroup is not known", "err", err)
	}
}
