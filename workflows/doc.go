// Package workflows holds what the workflows of account exports and of bulk exports
// share: task queues, workflow IDs, search attributes, activity options, waiting,
// and the e-mail workflow. It does no I/O.
//
// The workflows themselves are in packages accountexport and bulkexport; begin
// reading at accountexport/workflow.go and bulkexport/job.go. Every call on a
// Temporal client is in package client.
package workflows
