// Package tools makes a machine able to run and test Satchel: it builds pinned
// tools into .dev/bin and finds, or on Debian as root installs, Postgres and, for
// the tests, pgbouncer, Chromium, Node with npm and a C compiler.
package tools
