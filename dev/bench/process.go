package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// peakMemory returns the peak resident memory of a process, VmHWM in /proc.
func peakMemory(pid int) (bytes int64, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read the peak memory: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		if of, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(of), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("process %d has no VmHWM", pid)
}

// userHZ is USER_HZ: the clock ticks per second in which /proc reports CPU time.
const userHZ = 100

type process struct {
	parent        int
	cpu, children time.Duration // its own CPU time, and that of its ended children
}

// readProcess parses /proc/<pid>/stat.
func readProcess(stat []byte) (p process, ok bool) {
	end := bytes.LastIndexByte(stat, ')') // of the name, which may contain any character
	if end < 0 {
		return p, false
	}
	fields := strings.Fields(string(stat[end+1:]))
	if len(fields) < 15 {
		return p, false
	}
	number := func(i int) int64 { n, _ := strconv.ParseInt(fields[i], 10, 64); return n }
	p.parent = int(number(1))
	p.cpu = time.Duration(number(11)+number(12)) * time.Second / userHZ
	p.children = time.Duration(number(13)+number(14)) * time.Second / userHZ
	return p, true
}

// cpuTime returns the CPU time that a process and all its descendants have used, ended
// ones included.
func cpuTime(pid int) (time.Duration, error) {
	found, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	all := map[int]process{}
	for _, path := range found {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // the process has ended
		}
		if p, ok := readProcess(stat); ok {
			id, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			all[id] = p
		}
	}
	if _, there := all[pid]; !there {
		return 0, fmt.Errorf("there is no process %d to measure", pid)
	}
	var total time.Duration
	for id, p := range all {
		for at := id; at != 0; at = all[at].parent {
			if at == pid {
				total += p.cpu + p.children
				break
			}
		}
	}
	return total, nil
}
