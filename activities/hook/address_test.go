package hook

import (
	"net/http"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func sender(t *testing.T, c Config) *Sender {
	t.Helper()
	s, err := New(c)
	require.NoError(t, err)
	return s
}

func TestValidURLsAreRequestedUnchanged(t *testing.T) {
	s := sender(t, Config{})
	for _, address := range []string{
		"https://hooks.example.com", "https://hooks.example.com/", "https://hooks.example.com?x=1", "https://Hooks.example.com:8443/a%2Fb/../c//d?q=%7e+&&=;?/",
		"https://1.1.1.1/x", "https://[2606:4700::1111]/x", "https://a_b.example.com./", "https://1.example.com/", "https://hooks.example.com/" + strings.Repeat("a", 2048-len("https://hooks.example.com/")),
		"https://hooks.example.com/[a]!$&'()*+,;=:@-._~",
	} {
		require.NoError(t, s.Check(address), address)
		requested, _, err := s.normalize(address)
		require.NoError(t, err)
		require.Contains(t, []string{address, "https://hooks.example.com/", "https://hooks.example.com/?x=1"}, requested)
	}
	require.NoError(t, sender(t, Config{AllowHTTP: true}).Check("http://hooks.example.com/"))
}

func TestInvalidURLsAreRejectedWithTheReason(t *testing.T) {
	for address, says := range map[string]string{
		"":                                       "must start with",
		"seekrit":                                "must start with",
		"/seekrit":                               "must start with",
		"//seekrit.example":                      "must start with",
		"ftp://seekrit.example/":                 "must start with",
		"javascript:seekrit":                     "must start with",
		"http://seekrit.example/":                "must start with https://.",
		"https:seekrit":                          "host",
		"https:///seekrit":                       "host",
		"https://:443/seekrit":                   "host",
		"https://%73eekrit.example/":             "malformed",
		"https://[fe80::1%25seekrit]/":           "host",
		"https://seekrit.example:/":              "port",
		"https://seekrit.example:0/":             "port",
		"https://seekrit.example:65536/":         "port",
		"https://seekrit.example:x/":             "malformed",
		"https://seekrit.example/%zz":            "malformed",
		"https://seekrit.example/#":              "fragment",
		"https://seekrit.example/#there":         "fragment",
		"https://u:seekrit@hooks.example/":       "user name",
		"https://seekrit.example/a b":            "percent-encoded",
		"https://seekrit.example/é":              "percent-encoded",
		"https://séekrit.example/":               "percent-encoded",
		"https://seekrit.example\\@evil/":        "percent-encoded",
		"https://seekrit.example/\r\nX: y":       "percent-encoded",
		"https://seekrit.example/{id}":           "percent-encoded",
		"https://s/" + strings.Repeat("a", 2048): "2048",
		"https://seekrit.example/\x7f":           "percent-encoded",
		"https://127.0.0.1/seekrit":              "private or reserved",
		"https://10.0.0.1:8080/seekrit":          "private or reserved",
		"https://169.254.169.254/seekrit":        "private or reserved",
		"https://0.0.0.0/seekrit":                "private or reserved",
		"https://[::1]/seekrit":                  "private or reserved",
		"https://[fe80::1]/seekrit":              "private or reserved",
		"https://[fd00::1]/seekrit":              "private or reserved",
		"https://[::ffff:127.0.0.1]/seekrit":     "private or reserved",
		"https://[::ffff:a00:1]/seekrit":         "private or reserved",
		"https://[64:ff9b::7f00:1]/seekrit":      "private or reserved",
		"https://localhost/seekrit":              "this machine",
		"https://seekrit.LOCALHOST./":            "this machine",
		"https://127.1/seekrit":                  "four decimal numbers",
		"https://2130706433/seekrit":             "four decimal numbers",
		"https://0x7f000001/seekrit":             "four decimal numbers",
		"https://0177.0.0.01./seekrit":           "four decimal numbers",
	} {
		err := sender(t, Config{}).Check(address)
		require.ErrorContains(t, err, says, address)
		require.Equal(t, schema.Invalid, schema.KindOf(err))
		require.NotContains(t, err.Error(), "eekrit")
	}
}

func TestURLsOfUpTo2048BytesAreAccepted(t *testing.T) {
	s := sender(t, Config{})
	const base = "https://hooks.example.com/"
	require.NoError(t, s.Check(base+strings.Repeat("a", 2048-len(base))))
	err := s.Check(base + strings.Repeat("a", 2049-len(base)))
	require.ErrorContains(t, err, "2048")
	require.Equal(t, schema.Invalid, schema.KindOf(err))
	_, err = s.newRequest(t.Context(), schema.Hook{URL: base + strings.Repeat("a", 2049-len(base)), Method: http.MethodPost}, token, nil, nil)
	require.Equal(t, schema.Invalid, schema.KindOf(err), "nor is it called")
}

func TestOnlyAllowedRangesCanBeReached(t *testing.T) {
	s := sender(t, Config{Allow: []string{"10.1.0.0/16", " 127.0.0.0/8 ", "", "fd00::/8"}})
	for _, address := range []string{"https://10.1.2.3/", "https://127.0.0.1:8080/", "https://localhost/", "https://[fd00::1]/"} {
		require.NoError(t, s.Check(address), address)
	}
	for _, address := range []string{"https://10.2.0.1/", "https://[::1]/", "https://[::ffff:10.1.2.3]/", "https://192.168.0.1/"} {
		require.Error(t, s.Check(address), address)
	}
	for _, wrong := range []string{"10.0.0.1", "10.0.0.0/33", "seekrit", "::ffff:10.0.0.0/104"} {
		_, err := New(Config{Allow: []string{wrong}})
		require.ErrorContains(t, err, "WEBHOOK_ALLOW")
	}
}

func TestSettingsComeFromTheEnvironment(t *testing.T) {
	t.Setenv("WEBHOOK_ALLOW", "127.0.0.0/8,::1/128")
	t.Setenv("WEBHOOK_ALLOW_HTTP", "true")
	var program struct {
		Hook Config `embed:""`
	}
	parser, err := kong.New(&program)
	require.NoError(t, err)
	_, err = parser.Parse(nil)
	require.NoError(t, err)
	require.Equal(t, Config{Allow: []string{"127.0.0.0/8", "::1/128"}, AllowHTTP: true}, program.Hook)
	require.NoError(t, sender(t, program.Hook).Check("http://[::1]:8080/"))
}
