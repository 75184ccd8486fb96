package schema

// Erasure is a call to be erased from files and from the platform's archive.
type Erasure struct {
	Call string
	Day  Day // UTC day it was created
}

// Erasures are erased calls of one account.
type Erasures struct {
	Account string
	Calls   []string
}
