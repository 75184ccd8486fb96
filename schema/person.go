package schema

import "cmp"

// Role is what a person may do in an account.
type Role string

// Owners and admins may request, confirm, see, cancel, download and delete
// exports. Members may do nothing with them.
const (
	Owner  Role = "owner"
	Admin  Role = "admin"
	Member Role = "member"
)

// MayExport reports whether the role may do anything with exports.
func (r Role) MayExport() bool { return r == Owner || r == Admin }

// Person is a user of an account in the platform's directory.
type Person struct {
	ID      string `db:"id"`
	Account string `db:"account_sid"`
	Email   string `db:"email"`
	Name    string `db:"name"`
	Role    Role   `db:"role"`
	Zone    string `db:"timezone"` // IANA time zone, "" if unknown
}

// Account is a customer of the platform. Parent is "" for a top-level account.
type Account struct {
	ID        string `db:"id"`
	Name      string `db:"name"`
	Parent    string `db:"parent"`
	Suspended bool   `db:"suspended"`
}

// Owner is the ID of the account that a subaccount belongs to, or that of the account
// itself.
func (a Account) Owner() string { return cmp.Or(a.Parent, a.ID) }

// Credential is an account SID or API key for HTTP Basic authentication: its
// owner and the SHA-256 of its secret. User is "" if it belongs to the account
// and not to a person.
type Credential struct {
	Account      string `db:"account_sid"`
	User         string `db:"user_id"`
	Role         Role   `db:"role"`
	SecretSHA256 []byte `db:"secret_sha256"`
	Suspended    bool   `db:"suspended"`
}
