// Package pointed points Twilio's own client for Go at Satchel. The docs
// (clients.md) show this file, and the end-to-end tests use it.
package pointed

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/twilio/twilio-go/client"
)

// Client is Twilio's client, unmodified, that finds Satchel wherever it looks
// for twilio.com. The user name is an account SID or an API key.
func Client(satchel *url.URL, username, password string) *client.Client {
	return &client.Client{
		Credentials: client.NewCredentials(username, password),
		HTTPClient: &http.Client{
			Timeout:   10 * time.Second,
			Transport: to{satchel},
			// FetchDay reads where a file is from the redirect itself.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

type to struct{ *url.URL }

func (t to) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Hostname(), ".twilio.com") {
		r = r.Clone(r.Context())
		r.URL.Scheme, r.URL.Host, r.Host = t.Scheme, t.Host, t.Host
		r.URL.Path = strings.TrimSuffix(t.Path, "/") + r.URL.Path
	}
	return http.DefaultTransport.RoundTrip(r)
}
