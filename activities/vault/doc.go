// Package vault keeps bytes where only the right key can read them: objects in
// S3, each sealed with age before it leaves the process, and the deployment's
// own key, which wraps the key of every export.
//
// Whoever writes needs an export's recipient, its public half, and nothing
// else. Whoever reads needs its Identity, which Unwrap hands out. An object
// is an ordinary age file; it is bound to the key (the name) it was written
// under, so one object put in another's place is refused like a bit that was
// turned. Truncation is an error too, never a short read.
//
// Objects are never overwritten. A write either leaves the whole object or
// none, and an upload it could not finish is aborted.
//
// Errors name the operation and the server's code, never a URL, a signature
// or a key. A bucket or key service that is away is a *schema.Error of
// kind Unavailable; ErrNotFound, ErrExists and ErrUnreadable say the rest.
package vault
