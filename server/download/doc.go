// Package download sends customers' files: it opens the encrypted object, sends
// it whole or in a range, and limits how long a client may take for each write
// rather than for the whole.
package download
