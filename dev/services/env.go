package services

import (
	"os"
	"strings"
)

// Environ returns the environment of this process plus more, without the
// variables that configure another Postgres, Temporal or S3.
func Environ(more ...string) []string {
	var env []string
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "PG") || strings.HasPrefix(name, "TEMPORAL_") || strings.HasPrefix(name, "VGW_") || strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "LC_") {
			continue
		}
		env = append(env, pair)
	}
	return append(env, more...)
}
