package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestASiteUsesTLSExceptOnLoopback(t *testing.T) {
	for url, want := range map[string]schema.Site{
		"https://export.example.com/data/": "https://export.example.com/data", "https://export.example.com": "https://export.example.com",
		"http://127.0.0.1:8080": "http://127.0.0.1:8080", "http://localhost": "http://localhost", "http://[::1]:8080": "http://[::1]:8080",
	} {
		site, err := schema.ParseSite(url)
		require.NoError(t, err)
		require.Equal(t, want, site)
	}
	for _, plain := range []string{"http://export.example.com", "http://10.0.0.1", "http://localhost.example.com", "http://127.0.0.1.example.com"} {
		_, err := schema.ParseSite(plain)
		require.ErrorContains(t, err, "https://", plain)
	}
	for _, wrong := range []string{"", "export.example.com", "ftp://export.example.com", "https://", "https://user@export.example.com", "https://export.example.com?a=b", "https://export.example.com#a", "https://[::1", "mailto:a@example.com"} {
		_, err := schema.ParseSite(wrong)
		require.ErrorContains(t, err, "must be like https://export.example.com", wrong)
	}
}

func TestLoopbackIsThisMachineOnly(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "127.1.2.3": true, "::1": true, "[::1]": true, "::ffff:127.0.0.1": true,
		"": false, "0.0.0.0": false, "10.0.0.1": false, "localhost.example.com": false, "::": false, "example.com": false,
	} {
		require.Equal(t, want, schema.IsLoopback(host), host)
	}
}

func TestPagesAreUnderTheSite(t *testing.T) {
	site := schema.Site("https://example.com/data")
	for got, want := range map[string]string{
		site.Confirm("T"): "/confirm/T", site.Stop("T"): "/stop/T", site.Download("T"): "/download/T", site.Unsubscribe("T"): "/unsubscribe/T",
		site.Archive("EX1"): "/v1/account/exports/EX1/archive", site.DataExport(): "/settings/data-export", site.BulkExport(): "/settings/bulk-export",
	} {
		require.Equal(t, "https://example.com/data"+want, got)
	}
}
