package mail

import (
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
)

func TestInvalidSettingsAreNamed(t *testing.T) {
	good := Config{APIKey: "re_seekrit", From: "exports@acme.example"}
	_, err := New(good)
	require.NoError(t, err)
	for says, change := range map[string]func(*Config){
		"RESEND_API_KEY is not set":               func(c *Config) { c.APIKey = " " },
		"RESEND_API_KEY contains":                 func(c *Config) { c.APIKey = "re_seekrit\n" },
		"MAIL_FROM is not":                        func(c *Config) { c.From = "seekrit" },
		"RESEND_BASE_URL must be https":           func(c *Config) { c.BaseURL = "http://seekrit.example/" },
		"RESEND_BASE_URL must be https: emails":   func(c *Config) { c.BaseURL = "http://10.0.0.1/seekrit" },
		"RESEND_BASE_URL is not a plain":          func(c *Config) { c.BaseURL = "https://mail.example/?seekrit" },
		"RESEND_BASE_URL is not a plain URL":      func(c *Config) { c.BaseURL = "https://mail.example/#seekrit" },
		"RESEND_API_KEY contains a character":     func(c *Config) { c.APIKey = "re_ seekrit" },
		"RESEND_BASE_URL is not":                  func(c *Config) { c.BaseURL = "seekrit" },
		"RESEND_BASE_URL is not a plain URL such": func(c *Config) { c.BaseURL = "https://u:seekrit@mail.example" },
	} {
		c := good
		change(&c)
		_, err := New(c)
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), "seekrit")
	}
}

func TestBaseURLKeepsItsPath(t *testing.T) {
	p := newProvider(t, accept)
	cfg := p.config()
	cfg.BaseURL += "/mailbox/resend"
	s, err := New(cfg)
	require.NoError(t, err)
	require.NoError(t, s.Send(t.Context(), message()))
	require.Equal(t, "POST /mailbox/resend/emails", p.received()[0].path)
}

func TestSettingsComeFromTheEnvironment(t *testing.T) {
	t.Setenv("RESEND_API_KEY", "re_1")
	t.Setenv("MAIL_FROM", "exports@acme.example")
	var program struct {
		Mail Config `embed:""`
	}
	parser, err := kong.New(&program)
	require.NoError(t, err)
	_, err = parser.Parse(nil)
	require.NoError(t, err)
	require.Equal(t, Config{APIKey: "re_1", BaseURL: DefaultBaseURL, From: "exports@acme.example"}, program.Mail)
}
