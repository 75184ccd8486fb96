// Package e2e tests a whole stack from outside, over HTTP and by e-mail, while it kills
// and restarts services.
package e2e
