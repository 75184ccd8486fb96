// Command dev runs all of Satchel on one machine. `make dev` calls `dev up`; `dev
// tools` installs what that needs. `dev fill` adds rows to a running stack, `dev
// record` records histories for the replay tests, `dev bench` measures, and `dev
// clean` removes the data of `dev up`.
package main
