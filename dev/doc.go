// Command dev runs all of Satchel on one machine: `dev up` is what `make dev`
// calls, `dev tools` makes the machine ready for it. `dev fill` adds rows to a
// running stack, `dev record` writes histories for the replay tests, `dev bench`
// measures, and `dev clean` removes what `dev up` kept.
package main
