// Package hook delivers webhooks: signed HTTP requests to a URL that a customer
// chose.
//
// The URL is not trusted. Every connection is checked against the address ranges
// that must not be reachable, after DNS resolution and at the moment of dialling, so
// that no host name and no DNS change leads into the internal network. No redirect is
// followed, no proxy is used, and the response body is discarded: the customer learns
// whether the request succeeded, and nothing of the response.
//
// Receivers verify the signature with Twilio's own libraries. Errors and outcomes
// hold only our own words: no URL, parameter or key.
package hook
