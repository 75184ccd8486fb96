// Package browser holds the pages to what people see: a real Chromium clicks
// through everything on a real stack, reads the mails where they arrive, and
// looks at every state of the page as people of all kinds do, light and dark,
// on a phone and at a desk, by keyboard, without JavaScript, and through axe's
// eyes. In every test an error on the console, a report of the Content
// Security Policy or a request to anybody else is a failure.
//
// Start reading at story_test.go. The states stand in states_test.go, once for
// the tests and for `make screenshots`.
package browser
