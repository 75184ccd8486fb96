package schema

import "fmt"

// ConfirmationLetter is the kind of the letter that asks for a confirmation.
const ConfirmationLetter = "confirmation"

// LetterName is what a letter about an export or job goes by: where it is noted
// as settled, and at the provider, which keeps it from arriving twice.
func LetterName(kind, person string, generation int) string {
	return fmt.Sprintf("%s/%s/%d", kind, person, generation)
}
