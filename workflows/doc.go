// Package workflows tells the story of an export: which deed follows which,
// what it waits for, and how it ends. It does nothing itself; the hands are in
// package activities.
//
// Start reading at account_export.go.
package workflows
