package stack

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"satchel/schema"
)

// secrets are created at the first start and kept in files with mode 0600.
type secrets struct {
	link     string // 64 hex digits
	postgres string
	s3       string
	keyset   string // path of the file that `worker keyset` creates
}

func openSecrets(dir string) (secrets, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return secrets{}, fmt.Errorf("make %s: %w", dir, err)
	}
	s := secrets{keyset: filepath.Join(dir, "keyset.json")}
	for _, file := range []struct {
		name   string
		secret *string
		make   func() string
	}{
		{"link.key", &s.link, schema.NewDevelopmentLinkKey},
		{"postgres.password", &s.postgres, rand.Text},
		{"s3.secret", &s.s3, rand.Text},
	} {
		var err error
		if *file.secret, err = openSecret(filepath.Join(dir, file.name), file.make); err != nil {
			return secrets{}, err
		}
	}
	return s, nil
}

func openSecret(path string, make func() string) (string, error) {
	text, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read a secret: %w", err)
	}
	secret := make()
	return secret, writeAtomically(path, []byte(secret+"\n"))
}

// writeAtomically writes a file with mode 0600: after a crash it has its old or its new
// content.
func writeAtomically(path string, text []byte) error {
	partial := path + ".new"
	if err := os.WriteFile(partial, text, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(partial, path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
