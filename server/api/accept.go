package api

import (
	"strconv"
	"strings"
)

// coding is the content coding in which the archive is sent.
type coding string

// Codings of the archive: the JSON document, or gzip, as it is stored.
const (
	identity coding = "identity"
	gzipped  coding = "gzip"
)

// negotiate returns the coding that a client prefers by its Accept-Encoding
// headers, gzip where it prefers neither, and false where it accepts neither.
// Without the header it is identity.
func negotiate(headers []string) (coding, bool) {
	weights := map[string]float64{}
	for entry := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		name, parameters, _ := strings.Cut(entry, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		if name == "x-gzip" {
			name = string(gzipped)
		}
		if name != "" {
			weights[name] = weight(parameters)
		}
	}
	wildcard, hasWildcard := weights["*"]
	gzipWeight, ok := weights[string(gzipped)]
	if !ok {
		gzipWeight = wildcard // 0 without one
	}
	identityWeight, ok := weights[string(identity)]
	switch {
	case gzipWeight > 0 && (!ok || gzipWeight >= identityWeight):
		return gzipped, true
	case identityWeight > 0, !ok && (!hasWildcard || wildcard > 0):
		return identity, true
	}
	return "", false
}

// weight parses "q=0.5". It is 1 where there is no parameter, and 0 where the
// parameter is malformed.
func weight(parameters string) float64 {
	name, value, _ := strings.Cut(strings.TrimSpace(parameters), "=")
	if strings.TrimSpace(name) == "" {
		return 1
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || !strings.EqualFold(strings.TrimSpace(name), "q") || !(q >= 0 && q <= 1) {
		return 0
	}
	return q
}
