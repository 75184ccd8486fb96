// Package api is the JSON API for account exports. It starts workflows, sends
// them signals and reads; it writes no export itself and keeps no state between
// requests.
//
// Start reading at routes.go. The methods of API are also the service that the
// pages use: they take the Principal that package auth has let in, and return
// types of package schema. openapi.json is the contract; the tests check every
// answer against it.
package api
