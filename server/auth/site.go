package auth

import (
	"net/url"
	"strings"

	"satchel/schema"
)

// site is what cookies and redirects need of the public URL.
type site struct {
	address string
	path    string // prefix of all paths, without a slash at the end
	secure  bool   // reached by https
}

func newSite(s schema.Site) site {
	at := site{address: string(s), secure: strings.HasPrefix(string(s), "https://")}
	if u, err := url.Parse(string(s)); err == nil {
		at.path = u.Path
	}
	return at
}

// to returns the Location for one of the server's paths.
func (s site) to(path string) string { return s.path + path }

// local returns the path that a link or form asks to return to, and "/" for
// everything that could lead to another site.
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

// ReturnPath is where a person goes after signing in: the wanted path if it is
// one of this site, else "/".
func (a *Auth) ReturnPath(wanted string) string { return a.site.local(wanted) }
