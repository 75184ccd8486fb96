package schema

import (
	"fmt"
	"net/mail"
	"strings"
	"unicode"
)

// ConfirmationEmail is the kind of the e-mail that asks for a confirmation.
const ConfirmationEmail = "confirmation"

// EmailKey is the key of an e-mail about an export or job: its outcome is
// recorded by it, and the provider deduplicates by it.
func EmailKey(kind, person string, linkVersion int) string {
	return fmt.Sprintf("%s/%s/%d", kind, person, linkVersion)
}

// JobEndedEmail is the key of the e-mail to a job's address once the job has ended.
var JobEndedEmail = EmailKey("job-ended", "job-email", 1)

// CheckEmailAddress returns an error with a public sentence unless s is one plain
// address that e-mail can be sent to: in ASCII, and with a domain of the internet.
func CheckEmailAddress(s string) error {
	address, err := mail.ParseAddress(s)
	if err != nil || address.Address != s || len(s) > maxEmailLength || strings.ContainsFunc(s, unicode.IsControl) {
		return errEmail("is not a single plain email address")
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) {
		return errEmail("has letters that many mail servers do not accept. Please use an address in ASCII; a domain such as exämple.de is written xn--exmple-cua.de")
	}
	at := strings.LastIndexByte(s, '@')
	if local := s[:at]; len(local) > maxEmailLocalLength || strings.ContainsAny(local, "\" ") {
		return errEmail("is not a single plain email address")
	}
	if !isDomain(s[at+1:]) {
		return errEmail("has no domain of the internet, such as example.com, behind the @")
	}
	return nil
}

// ContactURL is the URL of a contact that is an email address or a URL itself.
func ContactURL(contact string) string {
	if CheckEmailAddress(contact) == nil {
		return "mailto:" + contact
	}
	return contact
}

const (
	maxEmailLength      = 254
	maxEmailLocalLength = 64
)

type errEmail string

func (e errEmail) Error() string { return string(e) }

// isDomain reports whether s is a host name with at least one dot that is no IP
// address.
func isDomain(s string) bool {
	labels := strings.Split(s, ".")
	last := labels[len(labels)-1]
	if len(labels) < 2 || len(last) < 2 || strings.Trim(last, "0123456789") == "" {
		return false
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || strings.ContainsFunc(label, notInDomain) {
			return false
		}
	}
	return true
}

func notInDomain(r rune) bool {
	return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}
