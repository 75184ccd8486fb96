package schema

import "time"

// Erasure is a call to be erased from files and from the platform's archive.
type Erasure struct {
	Call string `json:"call"`
	Day  Day    `json:"day"` // UTC day it was created
}

// Erasures are erased calls of one account.
type Erasures struct {
	Account string
	Calls   []string
}

// ErasureRecord is an erasure as the bucket keeps it, so that a restored database
// gets it back.
type ErasureRecord struct {
	Account string    `json:"account"`
	By      string    `json:"by"` // user or credential ID
	At      time.Time `json:"at"`
	Calls   []Erasure `json:"calls"`
}
