// Package api is the account-export JSON API. It starts workflows, sends them
// signals and reads; nothing here changes an export, and no handler remembers
// anything between two requests.
//
// Start reading at routes.go. What the handlers do is also there as methods of
// API, for the pages: they take the Principal that auth.RequireExporter let
// in, and answer in schema's words. Errors become problem+json in errors.go,
// and openapi.json is the contract, which the tests hold every answer against.
package api
