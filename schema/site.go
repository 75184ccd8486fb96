package schema

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
)

// Site is the public base URL: scheme, host and an optional path, without a slash
// at the end. E-mails use no other.
type Site string

// ParseSite parses PUBLIC_BASE_URL. It rejects plain HTTP, except on loopback.
func ParseSite(s string) (Site, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("PUBLIC_BASE_URL must be like https://export.example.com")
	}
	if u.Scheme != "https" && !IsLoopback(u.Hostname()) {
		return "", errors.New("PUBLIC_BASE_URL must begin with https://: sessions and files do not travel in the clear")
	}
	return Site(strings.TrimRight(s, "/")), nil
}

// IsLoopback reports whether a host is this machine, and cannot be another.
func IsLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && address.IsLoopback()
}

// Confirm is the URL of the page that confirms an export.
func (s Site) Confirm(token string) string { return string(s) + "/confirm/" + token }

// Stop is the URL of the page that stops an export requested by someone else.
func (s Site) Stop(token string) string { return string(s) + "/stop/" + token }

// Download is the URL of the archive in e-mails.
func (s Site) Download(token string) string { return string(s) + "/download/" + token }

// Archive is the URL of the archive for a signed-in person or a program.
func (s Site) Archive(export string) string {
	return string(s) + "/v1/account/exports/" + export + "/archive"
}

// DataExport is the URL of the page in Settings.
func (s Site) DataExport() string { return string(s) + "/settings/data-export" }

// BulkExport is the URL of the page of bulk exports in Settings.
func (s Site) BulkExport() string { return string(s) + "/settings/bulk-export" }

// Unsubscribe is the URL of the page that ends notices of bulk jobs.
func (s Site) Unsubscribe(token string) string { return string(s) + "/unsubscribe/" + token }
