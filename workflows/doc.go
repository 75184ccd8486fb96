// Package workflows holds what the workflows of account exports and of bulk exports
// share: task queues, workflow IDs, search attributes, activity options, waiting,
// and the e-mail workflow. It does no I/O.
//
// The workflows themselves are in packages accountexport and bulkexport; start reading
// at accountexport/workflow.go and bulkexport/job.go. Calls on a Temporal client are in
// package client, and package registry registers all workflows.
package workflows
