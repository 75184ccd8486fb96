// Package stack runs all of Satchel on one machine: Postgres, Temporal, S3, a
// mailbox, worker and server, with demo accounts. `make dev` runs it on fixed
// ports. End-to-end tests run it on free ports and can kill, stop and restart
// each service.
package stack
