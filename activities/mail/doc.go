// Package mail renders the emails about account exports and bulk jobs and sends
// them through Resend.
//
// Render turns plain values into subject, HTML and text. It is deterministic: the
// same values give the same bytes, because a retried email must equal the first one
// or the provider rejects its Idempotency-Key. HTML and text are rendered from the
// same content, so they cannot differ. An email loads no remote content, shows no
// image and tracks no reader.
//
// Sender.Send returns nil or an *Error that says whether and when a retry can help.
// Its text never holds an address, a body, a link or any text of the provider.
package mail
