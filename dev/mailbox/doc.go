// Package mailbox is where mail goes on one machine: it speaks Resend's
// POST /emails as the real service does, idempotency keys included, keeps what
// was sent in a file, and shows it on a page and as JSON.
package mailbox
