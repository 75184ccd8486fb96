package hook

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"satchel/schema"
)

const maxURLBytes = 2048

// invalidWebhook returns the error for a webhook that no retry can make valid.
func invalidWebhook(message string) error {
	return schema.Errorf(schema.Invalid, schema.CodeWebhookRefused, "%s", message)
}

// Check returns a *schema.Error of kind Invalid if the URL cannot be a webhook's. It
// does not resolve host names: Deliver rejects names that resolve to a forbidden
// address.
func (s *Sender) Check(address string) error {
	_, host, err := s.normalize(address)
	if err != nil {
		return err
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case err == nil && s.guard.SafeAddr(ip) != nil:
		return invalidWebhook("The webhook URL points to a private or reserved address, which webhooks cannot reach.")
	case err != nil && isLocalhost(host) && s.guard.SafeAddr(localhost) != nil:
		return invalidWebhook("The webhook URL points to this machine, which webhooks cannot reach.")
	case err != nil && endsInNumber(host):
		return invalidWebhook("The webhook URL has an IP address that is not written as four decimal numbers.")
	}
	return nil
}

// normalize returns the URL exactly as it is requested and signed, and its host. It
// only adds a missing path "/" and lowercases the scheme, because that is what the
// receiver sees. It rejects URLs with characters that an HTTP client may encode
// differently.
func (s *Sender) normalize(address string) (requested, host string, err error) {
	u, err := url.Parse(address)
	switch {
	case len(address) > maxURLBytes:
		return "", "", invalidWebhook("The webhook URL is longer than 2048 bytes.")
	case strings.ContainsFunc(address, needsEncoding):
		return "", "", invalidWebhook("The webhook URL contains a character that must be percent-encoded.")
	case strings.Contains(address, "#"):
		return "", "", invalidWebhook("The webhook URL must not have a fragment.")
	case err != nil:
		return "", "", invalidWebhook("The webhook URL is malformed.")
	case u.Scheme != "https" && u.Scheme != "http":
		return "", "", invalidWebhook("The webhook URL must start with https:// or http://.")
	case u.Scheme == "http" && !s.allowHTTP:
		return "", "", invalidWebhook("The webhook URL must start with https://.")
	case u.User != nil:
		return "", "", invalidWebhook("The webhook URL must not contain a user name or password. Use the signature to authenticate requests.")
	case u.Hostname() == "" || strings.Contains(origin(address), "%"):
		return "", "", invalidWebhook("The webhook URL has no valid host.")
	case !hasValidPort(u):
		return "", "", invalidWebhook("The webhook URL has no valid port.")
	}
	rest := address[len(u.Scheme):]
	if u.Path == "" {
		end := len("://") + len(u.Host)
		rest = rest[:end] + "/" + rest[end:]
	}
	return u.Scheme + rest, u.Hostname(), nil
}

// origin returns the URL up to its path.
func origin(address string) string {
	start := strings.Index(address, "://") + len("://")
	if end := strings.IndexAny(address[start:], "/?"); end >= 0 {
		return address[:start+end]
	}
	return address
}

func hasValidPort(u *url.URL) bool {
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0 || u.Port() == "" && !strings.HasSuffix(u.Host, ":")
}

// needsEncoding reports whether a character must be percent-encoded in a URL. Some
// programs encode such characters and others do not, so receivers could not verify a
// signature over them.
func needsEncoding(r rune) bool {
	return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\^`{|}", r)
}

var localhost = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// isLocalhost reports whether a host name always means the machine itself.
func isLocalhost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// endsInNumber reports whether a host is like 127.1, 0x7f000001 or 2130706433, which
// some resolvers parse as an IPv4 address. No public domain name ends in a number.
func endsInNumber(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	last := host[strings.LastIndex(host, ".")+1:]
	if rest, hex := strings.CutPrefix(last, "0x"); hex {
		return strings.Trim(rest, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}
