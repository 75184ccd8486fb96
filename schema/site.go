package schema

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
)

// Site is the public base URL: scheme, host and an optional path, without a slash
// at the end. Every link in an e-mail begins with it.
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

// IsLoopback reports whether a host is certainly this machine.
func IsLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && address.IsLoopback()
}

// ConfirmURL is the URL of the page that confirms an export.
func (s Site) ConfirmURL(token string) string { return string(s) + "/confirm/" + token }

// StopURL is the URL of the page that stops an export requested by someone else.
func (s Site) StopURL(token string) string { return string(s) + "/stop/" + token }

// DownloadURL is the URL of the archive in e-mails.
func (s Site) DownloadURL(token string) string { return string(s) + "/download/" + token }

// ArchiveURL is the URL of the archive for a signed-in person or a program.
func (s Site) ArchiveURL(export string) string {
	return string(s) + "/v1/account/exports/" + export + "/archive"
}

// DataExportURL is the URL of the page in Settings.
func (s Site) DataExportURL() string { return string(s) + "/settings/data-export" }

// BulkExportURL is the URL of the page of bulk exports in Settings.
func (s Site) BulkExportURL() string { return string(s) + "/settings/bulk-export" }

// UnsubscribeURL is the URL of the page that ends notices of bulk jobs.
func (s Site) UnsubscribeURL(token string) string { return string(s) + "/unsubscribe/" + token }
