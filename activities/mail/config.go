package mail

import (
	"errors"
	netmail "net/mail"
	"net/url"
	"strings"
)

// DefaultBaseURL is where Resend answers.
const DefaultBaseURL = "https://api.resend.com/"

// Config is what a program must know to send mail. Its tags are read by kong.
type Config struct {
	APIKey  string `name:"resend-api-key" env:"RESEND_API_KEY" help:"Key for Resend's API. Secret."`
	BaseURL string `name:"resend-base-url" env:"RESEND_BASE_URL" default:"https://api.resend.com/" help:"Where Resend's API, or a mailbox that speaks it, answers."`
	From    string `name:"mail-from" env:"MAIL_FROM" help:"Sender of every mail, such as 'Acme Data Export <exports@acme.example>'. Its domain must be verified at Resend."`
}

// check returns where to send to, or a sentence about what is wrong with the
// configuration.
func (c Config) check() (*url.URL, error) {
	if strings.TrimSpace(c.APIKey) == "" {
		return nil, errors.New("mail: RESEND_API_KEY is not set")
	}
	if strings.ContainsFunc(c.APIKey, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("mail: RESEND_API_KEY holds a character that no key has")
	}
	if _, err := netmail.ParseAddress(c.From); err != nil {
		return nil, errors.New("mail: MAIL_FROM is not a mail address such as 'Acme Data Export <exports@acme.example>'")
	}
	base := c.BaseURL
	if base == "" {
		base = DefaultBaseURL
	}
	if !strings.HasSuffix(base, "/") {
		base += "/" // else the last element of the path would be replaced
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("mail: RESEND_BASE_URL is not a plain address such as " + DefaultBaseURL)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return nil, errors.New("mail: RESEND_BASE_URL must be https: mails hold links that open exports (http is for this machine only)")
	}
	return u, nil
}
