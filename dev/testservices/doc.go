// Package testservices gives tests a real Postgres, S3, Temporal and mailbox.
//
// Nothing needs to be started beforehand. A test binary starts a service when
// its first test asks for it; all its tests share it. Services and their files
// are removed when the binary ends, even if it is killed. Each test gets a
// database, bucket or mailbox of its own.
package testservices
