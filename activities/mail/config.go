package mail

import (
	"errors"
	netmail "net/mail"
	"net/url"
	"strings"
)

// DefaultBaseURL is the URL of Resend's API.
const DefaultBaseURL = "https://api.resend.com/"

// Config holds the settings for sending email. kong reads its tags.
type Config struct {
	APIKey  string `name:"resend-api-key" env:"RESEND_API_KEY" help:"Key for Resend's API. Secret."`
	BaseURL string `name:"resend-base-url" env:"RESEND_BASE_URL" default:"https://api.resend.com/" help:"URL of Resend's API or of a compatible server."`
	From    string `name:"mail-from" env:"MAIL_FROM" help:"Sender of every email, such as 'Acme Data Export <exports@acme.example>'. Its domain must be verified at Resend."`
}

// validate returns the base URL, or an error that names the invalid setting.
func (c Config) validate() (*url.URL, error) {
	if strings.TrimSpace(c.APIKey) == "" {
		return nil, errors.New("mail: RESEND_API_KEY is not set")
	}
	if strings.ContainsFunc(c.APIKey, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("mail: RESEND_API_KEY contains a character that is not allowed in a key")
	}
	if _, err := netmail.ParseAddress(c.From); err != nil {
		return nil, errors.New("mail: MAIL_FROM is not an email address such as 'Acme Data Export <exports@acme.example>'")
	}
	base := c.BaseURL
	if base == "" {
		base = DefaultBaseURL
	}
	if !strings.HasSuffix(base, "/") {
		base += "/" // otherwise the last element of the path would be replaced
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("mail: RESEND_BASE_URL is not a plain URL such as " + DefaultBaseURL)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return nil, errors.New("mail: RESEND_BASE_URL must be https: emails contain links to exports (http is allowed for this machine only)")
	}
	return u, nil
}
