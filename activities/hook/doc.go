// Package hook tells customers' programs of what has happened: one signed
// request to an address that a customer chose.
//
// The address is not to be trusted. Every connection is held against the
// ranges that nobody outside may reach, after its name was resolved and at the
// moment of dialling, so that no name and no change of a name leads to our own
// network. No redirect is followed, no proxy is asked, and what comes back is
// thrown away: whoever chose the address learns whether it answered, and
// nothing of what it said.
//
// Receivers check the signature with Twilio's own libraries. An error and an
// attempt's outcome hold our own words only: no address, parameter or key.
package hook
