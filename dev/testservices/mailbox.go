package testservices

import (
	"net/http/httptest"
	"testing"

	"satchel/dev/mailbox"
)

// Inbox is a running mailbox. Its Messages are newest first; Fail injects
// failures.
type Inbox struct {
	*mailbox.Mailbox
	URL string // RESEND_BASE_URL, ending in "/"
}

// Mailbox starts a mailbox for this test that implements Resend's API.
func Mailbox(t testing.TB) *Inbox {
	t.Helper()
	box, err := mailbox.Open("")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box)
	t.Cleanup(server.Close)
	return &Inbox{Mailbox: box, URL: server.URL + "/"}
}
