package hook

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // what receivers' libraries check is HMAC-SHA1
	"encoding/base64"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// sign is Twilio's signature of a request: over the URL as requested, and
// behind it, where the request has a form, each name with its values.
func sign(key []byte, requested string, form url.Values) string {
	mac := hmac.New(sha1.New, key)
	io.WriteString(mac, requested) //nolint:errcheck // a hash takes everything
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range slices.Compact(slices.Sorted(slices.Values(form[name]))) {
			io.WriteString(mac, name+value) //nolint:errcheck // likewise
		}
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// withQuery appends the parameters to a URL and leaves what it holds alone.
func withQuery(requested string, params url.Values) string {
	switch {
	case !strings.Contains(requested, "?"):
		requested += "?"
	case !strings.HasSuffix(requested, "?") && !strings.HasSuffix(requested, "&"):
		requested += "&"
	}
	return requested + params.Encode()
}
