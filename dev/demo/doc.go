// Package demo makes accounts to try Satchel with: a few that tell a story,
// fresh ones for tests, and as many rows in them as wanted. All of it is
// invented: addresses are at example.com, numbers begin with +1555. It writes
// to the platform's tables and is no part of the programs that run in
// production.
package demo
