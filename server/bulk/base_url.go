package bulk

import (
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
)

// baseURL returns the scheme and host that every URL in a response begins with: the configured
// site or, where there is none, those that the request came to. A client that reached this
// server under another name can then follow the URLs.
func (b *Bulk) baseURL(r *http.Request) string {
	if b.Site != "" {
		return string(b.Site)
	}
	scheme, host := "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	if b.isTrustedProxy(r.RemoteAddr) {
		if proto := lastHeaderValue(r.Header, "X-Forwarded-Proto"); proto == "http" || proto == "https" {
			scheme = proto
		}
		if forwarded := lastHeaderValue(r.Header, "X-Forwarded-Host"); forwarded != "" {
			host = forwarded
		}
	}
	if !hostPattern.MatchString(host) {
		return "" // not a plain host name: URLs become paths
	}
	return scheme + "://" + host
}

// hostPattern matches a host name or IP address with an optional port.
var hostPattern = regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`)

// isTrustedProxy reports whether a connection comes from a proxy listed in TrustedProxies.
func (b *Bulk) isTrustedProxy(peer string) bool {
	host, _, err := net.SplitHostPort(peer)
	if err != nil {
		return false
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, p := range b.TrustedProxies {
		if p.Contains(address.Unmap().WithZone("")) {
			return true
		}
	}
	return false
}

// lastHeaderValue returns the last entry of a comma-separated header, which the nearest proxy
// wrote. Earlier entries come from further away and cannot be trusted.
func lastHeaderValue(h http.Header, name string) string {
	values := h.Values(name)
	if len(values) == 0 {
		return ""
	}
	list := strings.Split(values[len(values)-1], ",")
	return strings.TrimSpace(list[len(list)-1])
}
