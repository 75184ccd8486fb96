// Package services runs the real things Satchel stands on as child processes of
// one program on one machine: a private Postgres, the Temporal dev server, an
// S3 server, and programs of our own.
//
// A part dies with the program that started it, even where that program is
// killed. It can be stopped, killed and started again while others run, its
// output goes to a file, and what goes wrong at its start is one sentence that
// ends with the last lines of that file.
package services
