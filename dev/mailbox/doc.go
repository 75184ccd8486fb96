// Package mailbox is the mail server of a development machine: it implements
// Resend's POST /emails, idempotency keys included, stores what was sent in a
// file, and shows it on a page and as JSON.
package mailbox
