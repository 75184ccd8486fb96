// Command dev runs all of Satchel on one machine: `dev up` is what `make dev`
// calls, `dev tools` makes the machine ready for it.
package main
