// Package auth authenticates requests and checks who may use a route. Each
// method ends in a Principal: a JWT of the host application as bearer token, or
// exchanged for a session cookie; HTTP Basic with the secret of an account or
// API key; and, on one machine, the sign-in for development.
//
// The platform's directory is read at every request, so that a person who was
// removed or demoted, and an account that was suspended, lose their access at
// once, whatever their token says. Long answers check it again every few seconds
// (Reauthorize).
package auth
