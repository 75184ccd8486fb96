package catalog

import (
	"slices"
	"strings"
	"unicode"
)

var (
	// secretParts mark a secret anywhere in a word.
	secretParts = []string{
		"password", "passwd", "passphrase", "passcode", "secret", "credential", "token",
		"apikey", "privatekey", "accesskey", "authkey", "signingkey", "encryptionkey",
	}
	// secretWords mark a secret as whole words: pin does, pinned does not.
	secretWords = []string{
		"pwd", "pass", "hash", "hashes", "hashed", "bcrypt", "argon2", "scrypt", "salt",
		"mfa", "2fa", "tfa", "otp", "totp", "hotp", "recovery", "pin", "pins",
		"jwt", "bearer", "ssn", "cvv", "cvc", "csc",
	}
	// secretPairs mark a secret as two words in a row.
	secretPairs = []string{
		"api key", "private key", "access key", "auth key", "signing key", "encryption key", "master key",
		"session key", "shared key", "ssh key", "security code", "verification code", "backup code",
		"auth code", "security answer", "card number", "social security",
	}
)

// LooksSecret reports whether a column of this name, in snake case or camel case,
// must be taken for a secret. In doubt it returns true.
func LooksSecret(name string) bool {
	words := splitWords(name)
	for i, word := range words {
		if slices.ContainsFunc(secretParts, func(part string) bool { return strings.Contains(word, part) }) {
			return true
		}
		bare := strings.TrimRight(word, "0123456789")
		if slices.Contains(secretWords, word) || slices.Contains(secretWords, bare) {
			return true
		}
		if i > 0 && slices.Contains(secretPairs, words[i-1]+" "+strings.TrimSuffix(bare, "s")) {
			return true
		}
	}
	return false
}

// splitWords splits auth_token, authToken, AUTHToken and "auth token" alike.
func splitWords(name string) []string {
	var words []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			words = append(words, strings.ToLower(string(word)))
			word = nil
		}
	}
	runes := []rune(name)
	for i, r := range runes {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			flush()
			continue
		}
		if unicode.IsUpper(r) && i > 0 {
			afterLower := !unicode.IsUpper(runes[i-1])
			beforeLower := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if afterLower || beforeLower {
				flush()
			}
		}
		word = append(word, r)
	}
	flush()
	return words
}
