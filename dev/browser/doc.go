// Package browser tests the pages in a real Chromium on a real stack: it clicks
// through whole exports, follows the links in mails, and checks every state of the
// pages with axe, in light and dark colours, at desktop and phone size, by keyboard
// and without JavaScript. In every test an error on the console, a report of the
// Content Security Policy or a request to another host is a failure.
//
// export_test.go has the longest test. states_test.go lists the states of the pages, for
// the tests and for `make screenshots`.
package browser
