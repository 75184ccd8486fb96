// Package vault stores encrypted objects in S3 and manages their keys. Each
// object is encrypted with age before it leaves the process. The deployment's
// own key wraps the key of every export.
//
// Writing needs only an export's recipient, its public key. Reading needs its
// Identity, which Unwrap returns. An object is an ordinary age file, bound to the
// key (the name) it was written under: an object moved to another key is
// rejected like one with a flipped bit. Truncation is an error too, never a short
// read.
//
// Objects are never overwritten. A write stores the whole object or nothing; an
// upload that cannot be completed is aborted.
//
// Errors name the operation and the server's code, never a URL, a signature or a
// key. If the bucket or the key service is unavailable, the error is a
// *schema.Error of kind Unavailable; otherwise ErrNotFound, ErrExists and
// ErrUnreadable classify it.
package vault
