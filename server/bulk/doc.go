// Package bulk is the door to bulk exports: an HTTP API shaped like Twilio's
// BulkExport v1, so that Twilio's own client libraries work with it unmodified,
// and the few methods beside it that our pages and our own API use.
//
// Whatever has rules is a method of Bulk that takes the Principal and answers
// words of package schema; handlers read, ask and answer. The rules of form
// (which JSON types, which status codes, which host the URLs name) are those
// that the client libraries hold us to.
package bulk
