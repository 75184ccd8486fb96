package schema

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
)

var (
	accountID = regexp.MustCompile(`^AC[0-9a-f]{32}$`)
	exportID  = regexp.MustCompile(`^EX[0-9a-f]{32}$`)
	userID    = regexp.MustCompile(`^US[0-9a-f]{32}$`)
	jobID     = regexp.MustCompile(`^JS[0-9a-f]{32}$`)
	dayFileID = regexp.MustCompile(`^DF[0-9a-f]{32}$`)
	eventID   = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// NewAccountID returns a random account ID.
func NewAccountID() string { return newID("AC") }

// NewExportID returns a random export ID.
func NewExportID() string { return newID("EX") }

// NewUserID returns a random user ID.
func NewUserID() string { return newID("US") }

// NewAPIKeyID returns a random API key ID.
func NewAPIKeyID() string { return newID("SK") }

// NewJobID returns a random job ID.
func NewJobID() string { return newID("JS") }

// NewDayFileID returns a random ID for one version of a day file.
func NewDayFileID() string { return newID("DF") }

// IsJobID reports whether s has the form of a job ID.
func IsJobID(s string) bool { return jobID.MatchString(s) }

// IsDayFileID reports whether s has the form of a day file's ID.
func IsDayFileID(s string) bool { return dayFileID.MatchString(s) }

// IsEventID reports whether s has the form of a webhook's ID, which is a UUID.
func IsEventID(s string) bool { return eventID.MatchString(s) }

// IsAccountID reports whether s has the form of an account ID.
func IsAccountID(s string) bool { return accountID.MatchString(s) }

// IsExportID reports whether s has the form of an export ID.
func IsExportID(s string) bool { return exportID.MatchString(s) }

// IsUserID reports whether s has the form of a user ID.
func IsUserID(s string) bool { return userID.MatchString(s) }

// ExportIDFor returns the ID of the export for a requester's Idempotency-Key: the
// same secret, account, requester and key always give the same ID, which cannot
// be guessed without the secret.
func ExportIDFor(secret []byte, account, requester, idempotencyKey string) string {
	mac := hmac.New(sha256.New, secret)
	for _, part := range []string{"idempotency", account, requester, idempotencyKey} {
		mac.Write([]byte(part))
		mac.Write([]byte{0})
	}
	return "EX" + hex.EncodeToString(mac.Sum(nil)[:16])
}

func newID(prefix string) string {
	var b [16]byte
	rand.Read(b[:]) //nolint:errcheck // crypto/rand.Read never fails since Go 1.24
	return prefix + hex.EncodeToString(b[:])
}
