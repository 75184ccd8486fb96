// Package mail writes the letters about account exports and bulk jobs and hands
// them to Resend.
//
// Render turns plain values into subject, HTML and text. It knows no clock and
// no chance: the same values give the same bytes, because a retried mail must
// equal the first one or its Idempotency-Key is refused. HTML and text are two
// dresses of one letter, so they cannot say different things. A letter loads
// nothing, shows no image and counts no reader.
//
// Sender sends. It answers with nil or with an *Error that says whether trying
// again can help and when. No address, no body, no link and none of the
// provider's own words are ever in its text.
package mail
