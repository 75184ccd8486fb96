package auth

import (
	"net/url"
	"strings"

	"satchel/schema"
)

// site is what the public address means for cookies and redirects.
type site struct {
	address string
	path    string // before all of ours, without a slash at the end
	secure  bool
}

func newSite(s schema.Site) site {
	at := site{address: string(s), secure: strings.HasPrefix(string(s), "https://")}
	if u, err := url.Parse(string(s)); err == nil {
		at.path = u.Path
	}
	return at
}

// to is where a browser is sent to reach one of our paths.
func (s site) to(path string) string { return s.path + path }

// local turns what a link or form asks to return to into one of our own paths,
// and everything that could lead elsewhere into "/".
func (s site) local(wanted string) string {
	if rest, ok := strings.CutPrefix(wanted, s.address); ok && s.address != "" {
		wanted = rest
	}
	if len(wanted) > 2000 || !strings.HasPrefix(wanted, "/") || strings.HasPrefix(wanted, "//") {
		return "/"
	}
	for _, r := range wanted {
		if r <= ' ' || r == '\\' || r == 0x7f || r > 0x7e {
			return "/"
		}
	}
	if u, err := url.Parse(wanted); err != nil || u.Scheme != "" || u.Host != "" {
		return "/"
	}
	return wanted
}

// ReturnPath is where to go on after signing in: the wanted path if it is one
// of ours, else "/".
func (a *Auth) ReturnPath(wanted string) string { return a.site.local(wanted) }
