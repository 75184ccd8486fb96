// Package bench measures what Satchel promises to be: fast, flat in memory and
// cheap to run. It starts a stack of its own, fills accounts, and measures each
// promise beside what an engineer would do by hand, in one run on one machine,
// taking turns, so that whatever else the machine does hits both. What it found
// becomes a table, two pages of the docs, and pictures.
//
// A goal that was missed is a result. Only what could not be measured is an error.
package bench
