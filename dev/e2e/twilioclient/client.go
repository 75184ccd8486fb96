// Package twilioclient configures Twilio's client for Go to send its requests to
// Satchel. docs/clients.md shows this file, and tests use it.
package twilioclient

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/twilio/twilio-go/client"
)

// Client returns Twilio's client with a transport that sends requests for twilio.com to
// Satchel. The user name is an account SID or an API key.
func Client(satchel *url.URL, username, password string) *client.Client {
	return &client.Client{
		Credentials: client.NewCredentials(username, password),
		HTTPClient: &http.Client{
			Timeout:   10 * time.Second,
			Transport: to{satchel},
			// FetchDay reads the link of a file from the redirect, which must not be followed.
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
