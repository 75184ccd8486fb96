// Package auth knows who is asking. Every way in ends in one Principal: a JWT
// of the host application as bearer, or exchanged for a session cookie; HTTP
// Basic with an account's or an API key's secret; and, on one machine, the
// sign-in of development.
//
// Whoever a credential names is looked up in the platform's directory at every
// request, so a person who was removed or demoted, and an account that was
// suspended, are so at once, whatever their tokens say. An answer that goes on
// for long asks again every few seconds (StillExporter).
package auth
