// Package stack runs all of Satchel on one machine: Postgres, Temporal, S3, a
// mailbox, worker and server, with demo accounts to try it on. `make dev` is a
// stack on known ports; an end-to-end test is a stack on free ones, of which it
// can kill, stop and restart each part.
package stack
