// Package e2e plays Satchel's promises from outside: over HTTP, with a real
// mailbox, on the whole stack, of which it kills and restarts parts.
package e2e
