package hook

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"satchel/schema"
)

// The longest URL that is called.
const longestURL = 2048

// refused is the verdict on a webhook that no retry can mend.
func refused(why string) error {
	return schema.Errorf(schema.Invalid, schema.CodeWebhookRefused, "%s", why)
}

// Check says in a sentence why the URL cannot be a webhook's, as a schema.Error
// of kind Invalid. A name that leads where nobody may go is found out only when
// it is called.
func (s *Sender) Check(address string) error {
	_, host, err := s.target(address)
	if err != nil {
		return err
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case err == nil && s.guard.SafeAddr(ip) != nil:
		return refused("The webhook URL leads to a private or reserved address, which webhooks may not reach.")
	case err != nil && isLocal(host) && s.guard.SafeAddr(localhost) != nil:
		return refused("The webhook URL leads to this machine itself, which webhooks may not reach.")
	case err != nil && endsInNumber(host):
		return refused("The webhook URL has an address that is not written as four decimal numbers.")
	}
	return nil
}

// target is the URL exactly as it is requested and signed, and its host. Only
// a missing path is made "/", and the scheme lower case: the receiver sees
// nothing else. What remains holds no character that would be written in
// another way on its way.
func (s *Sender) target(address string) (requested, host string, err error) {
	u, err := url.Parse(address)
	switch {
	case len(address) > longestURL:
		return "", "", refused("The webhook URL is longer than 2048 bytes.")
	case strings.ContainsFunc(address, mustBeEncoded):
		return "", "", refused("The webhook URL holds a character that must be percent-encoded.")
	case strings.Contains(address, "#"):
		return "", "", refused("The webhook URL has a fragment, which is never sent.")
	case err != nil:
		return "", "", refused("The webhook URL cannot be read.")
	case u.Scheme != "https" && u.Scheme != "http":
		return "", "", refused("The webhook URL must begin with https:// or http://.")
	case u.Scheme == "http" && !s.plain:
		return "", "", refused("The webhook URL must begin with https://.")
	case u.User != nil:
		return "", "", refused("The webhook URL holds a user name or password; the signature tells who calls.")
	case u.Hostname() == "" || strings.Contains(origin(address), "%"):
		return "", "", refused("The webhook URL has no proper host.")
	case !isPort(u):
		return "", "", refused("The webhook URL has no proper port.")
	}
	rest := address[len(u.Scheme):]
	if u.Path == "" {
		end := len("://") + len(u.Host)
		rest = rest[:end] + "/" + rest[end:]
	}
	return u.Scheme + rest, u.Hostname(), nil
}

// origin is the URL up to its path.
func origin(address string) string {
	start := strings.Index(address, "://") + len("://")
	if end := strings.IndexAny(address[start:], "/?"); end >= 0 {
		return address[:start+end]
	}
	return address
}

func isPort(u *url.URL) bool {
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0 || u.Port() == "" && !strings.HasSuffix(u.Host, ":")
}

// mustBeEncoded tells of characters that no URL holds as they are. Some
// programs encode them on the way and others do not, so that a signature over
// them could not be checked.
func mustBeEncoded(r rune) bool {
	return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\^`{|}", r)
}

var localhost = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// isLocal tells of the names that always mean the machine itself.
func isLocal(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// endsInNumber tells of hosts such as 127.1, 0x7f000001 and 2130706433, which
// some resolvers take for addresses and no name of the world ends in.
func endsInNumber(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	last := host[strings.LastIndex(host, ".")+1:]
	if rest, hex := strings.CutPrefix(last, "0x"); hex {
		return strings.Trim(rest, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}
