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

// secrets are made at the first start and kept, readable by their owner alone.
type secrets struct {
	link     string // 64 hex digits
	postgres string
	s3       string
	keyset   string // the file's path; `worker keyset` makes it
}

func openSecrets(dir string) (secrets, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return secrets{}, fmt.Errorf("make %s: %w", dir, err)
	}
	s := secrets{keyset: filepath.Join(dir, "keyset.json")}
	for _, kept := range []struct {
		name   string
		secret *string
		make   func() string
	}{
		{"link.key", &s.link, schema.NewDevelopmentLinkKey},
		{"postgres.password", &s.postgres, rand.Text},
		{"s3.secret", &s.s3, rand.Text},
	} {
		var err error
		if *kept.secret, err = openSecret(filepath.Join(dir, kept.name), kept.make); err != nil {
			return secrets{}, err
		}
	}
	return s, nil
}

func openSecret(path string, make func() string) (string, error) {
	kept, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(kept)), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read a secret: %w", err)
	}
	secret := make()
	return secret, writeWhole(path, []byte(secret+"\n"))
}

// writeWhole writes all of a file or nothing, for its owner alone.
func writeWhole(path string, text []byte) error {
	half := path + ".new"
	if err := os.WriteFile(half, text, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(half, path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
