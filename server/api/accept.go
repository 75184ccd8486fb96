package api

import (
	"strconv"
	"strings"
)

// form is how the archive's document is sent.
type form string

// As it is, or compressed as it is stored.
const (
	identity form = "identity"
	gzipped  form = "gzip"
)

// negotiate picks the form a client likes best by its Accept-Encoding headers,
// the compressed one where it likes both the same, and answers false where it
// takes neither. Who says nothing gets the document as it is.
func negotiate(headers []string) (form, bool) {
	likes := map[string]float64{}
	for coding := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		name, parameters, _ := strings.Cut(coding, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		if name == "x-gzip" {
			name = string(gzipped)
		}
		if name != "" {
			likes[name] = weight(parameters)
		}
	}
	others, said := likes["*"]
	asGzip, ok := likes[string(gzipped)]
	if !ok {
		asGzip = others // 0 where nothing is said
	}
	asIs, ok := likes[string(identity)]
	switch {
	case asGzip > 0 && (!ok || asGzip >= asIs):
		return gzipped, true
	case asIs > 0, !ok && (!said || others > 0):
		return identity, true
	}
	return "", false
}

// weight reads "q=0.5": how much a coding is liked, and 1 where it is not
// said. What cannot be read is not liked.
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
