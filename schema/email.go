package schema

import "fmt"

// ConfirmationEmail is the kind of the e-mail that asks for a confirmation.
const ConfirmationEmail = "confirmation"

// EmailKey is the key of an e-mail about an export or job: its outcome is
// recorded by it, and the provider deduplicates by it.
func EmailKey(kind, person string, linkVersion int) string {
	return fmt.Sprintf("%s/%s/%d", kind, person, linkVersion)
}
