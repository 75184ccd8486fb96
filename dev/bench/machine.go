package bench

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// Machine describes the machine of the measurements.
type Machine struct {
	CPU, Memory, Kernel, Postgres, Go string
	Cores                             int
}

func describeMachine(bin string) Machine {
	m := Machine{CPU: "unknown", Memory: "unknown", Kernel: runtime.GOOS, Postgres: "unknown", Go: runtime.Version(), Cores: runtime.NumCPU()}
	if model, ok := procField("/proc/cpuinfo", "model name"); ok {
		m.CPU = model
	}
	if total, ok := procField("/proc/meminfo", "MemTotal"); ok {
		if kib, err := strconv.ParseInt(strings.TrimSuffix(total, " kB"), 10, 64); err == nil {
			m.Memory = mebibytes(kib << 10)
		}
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = "Linux " + strings.TrimSpace(string(release))
	}
	if output, err := exec.Command(filepath.Join(bin, "postgres"), "--version").Output(); err == nil {
		m.Postgres = strings.TrimPrefix(strings.TrimSpace(string(output)), "postgres (PostgreSQL) ")
	}
	return m
}

// procField returns the value of a field in a file of /proc with lines "name: value".
func procField(path, name string) (string, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", false
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value), true
		}
	}
	return "", false
}
