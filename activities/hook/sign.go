package hook

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // receivers' libraries expect HMAC-SHA1
	"encoding/base64"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// sign returns Twilio's signature of a request: an HMAC over the URL as requested,
// followed by each name and value of the form, if there is one.
func sign(key []byte, requested string, form url.Values) string {
	mac := hmac.New(sha1.New, key)
	io.WriteString(mac, requested) //nolint:errcheck // a hash never fails
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range slices.Compact(slices.Sorted(slices.Values(form[name]))) {
			io.WriteString(mac, name+value) //nolint:errcheck // a hash never fails
		}
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// withQuery appends the parameters to a URL's query and keeps the rest unchanged.
func withQuery(requested string, params url.Values) string {
	switch {
	case !strings.Contains(requested, "?"):
		requested += "?"
	case !strings.HasSuffix(requested, "?") && !strings.HasSuffix(requested, "&"):
		requested += "&"
	}
	return requested + params.Encode()
}
