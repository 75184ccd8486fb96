// Package e2e tests Satchel's promises from outside: over HTTP and by mail, on a
// whole stack whose services it kills and restarts.
package e2e
