package bulk

import (
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
)

// base is what all addresses in an answer begin with: our site, or where it is
// not set the scheme and host that the request came to. That is how a client
// goes on that found us by another name.
func (b *Bulk) base(r *http.Request) string {
	if b.Site != "" {
		return string(b.Site)
	}
	scheme, host := "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	if b.isTrusted(r.RemoteAddr) {
		if told := lastOf(r.Header, "X-Forwarded-Proto"); told == "http" || told == "https" {
			scheme = told
		}
		if told := lastOf(r.Header, "X-Forwarded-Host"); told != "" {
			host = told
		}
	}
	if !plainHost.MatchString(host) {
		return "" // it could be anything; a path alone is as true
	}
	return scheme + "://" + host
}

// plainHost is a name or address, and perhaps a port.
var plainHost = regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`)

// isTrusted tells whether a connection comes from a proxy of ours.
func (b *Bulk) isTrusted(peer string) bool {
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

// lastOf is what the nearest proxy said; what stands before it came from
// further away.
func lastOf(h http.Header, name string) string {
	values := h.Values(name)
	if len(values) == 0 {
		return ""
	}
	list := strings.Split(values[len(values)-1], ",")
	return strings.TrimSpace(list[len(list)-1])
}
