// Package testservices gives tests the real Postgres, S3, Temporal and mailbox.
//
// Nothing needs to be started beforehand. A test binary starts a part when the
// first of its tests asks for it, all its tests share it, and it is gone, its
// files included, when the binary ends, however it ends. What a test gets of a
// part is its own: a database, a bucket, a mailbox.
package testservices
