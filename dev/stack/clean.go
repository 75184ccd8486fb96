package stack

import (
	"fmt"
	"os"
	"path/filepath"
)

// Clean removes everything in dir except bin. It returns an error while a stack is
// running on it.
func Clean(dir string) error {
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("clean %s: %w", dir, err)
	}
	held, err := lock(filepath.Join(dir, "lock"))
	if err != nil {
		return err
	}
	defer held.Close()
	for _, entry := range entries {
		if entry.Name() == "bin" {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
			return fmt.Errorf("clean %s: %w", dir, err)
		}
	}
	return nil
}
