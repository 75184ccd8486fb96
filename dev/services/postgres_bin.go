package services

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// PostgresBin returns the directory of the Postgres programs: the newest on the
// machine, or for existing data those of its major version.
func PostgresBin(data string) (string, error) {
	bins := postgresBins()
	if len(bins) == 0 {
		return "", ErrNoPostgres
	}
	version, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if err != nil {
		return bins[0], nil
	}
	want := strings.TrimSpace(string(version))
	for _, bin := range bins {
		if majorOf(bin) == want {
			return bin, nil
		}
	}
	return "", fmt.Errorf("the data in %s was made by Postgres %s, which this machine does not have: install it, or remove the directory", data, want)
}

// postgresBins returns all directories with Postgres programs, newest first.
func postgresBins() []string {
	var bins []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin", "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
	} {
		found, _ := filepath.Glob(pattern) // the patterns are valid
		bins = append(bins, found...)
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			bins = append(bins, filepath.Dir(path))
		}
	}
	bins = slices.DeleteFunc(bins, func(bin string) bool {
		return !runnable(filepath.Join(bin, "initdb")) || !runnable(filepath.Join(bin, "postgres"))
	})
	slices.SortStableFunc(bins, func(a, b string) int {
		x, _ := strconv.Atoi(majorOf(a)) // 0 if it is not a number
		y, _ := strconv.Atoi(majorOf(b))
		return y - x
	})
	return bins
}

// majorOf returns the major version of the programs in bin.
func majorOf(bin string) string {
	output, err := exec.Command(filepath.Join(bin, "postgres"), "--version").Output()
	if err != nil {
		return ""
	}
	fields := strings.Fields(string(output)) // postgres (PostgreSQL) 15.8 (Debian …)
	if len(fields) < 3 {
		return ""
	}
	major, _, _ := strings.Cut(fields[2], ".")
	return strings.TrimFunc(major, func(r rune) bool { return r < '0' || r > '9' })
}
