package hook

import (
	"errors"
	"net/netip"
	"strings"
)

// Config lists the exceptions from the address checks. kong reads its tags.
type Config struct {
	Allow     []string `name:"webhook-allow" env:"WEBHOOK_ALLOW" help:"Address ranges, such as 10.1.0.0/16, that webhooks may reach although they are private, loopback or reserved. Separated by commas."`
	AllowHTTP bool     `name:"webhook-allow-http" env:"WEBHOOK_ALLOW_HTTP" help:"Lets webhooks go to http addresses as well as https."`
}

// allowedPrefixes returns the allowed IPv4 and IPv6 ranges, or an error that names the
// invalid setting.
func (c Config) allowedPrefixes() (v4, v6 []netip.Prefix, err error) {
	for _, s := range c.Allow {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil || p.Addr().Is4In6() {
			return nil, nil, errors.New("hook: WEBHOOK_ALLOW must list address ranges such as 10.1.0.0/16, separated by commas")
		}
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	return v4, v6, nil
}
