// Package services runs what Satchel depends on as child processes on one
// machine: a private Postgres, the Temporal dev server, an S3 server, and Satchel's
// programs.
//
// A service dies with the process that started it, even if that process is
// killed. It can be stopped, killed and restarted while others run. Its output
// goes to a file; the error of a failed start ends with the last lines of that
// file.
package services
