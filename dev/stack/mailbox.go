package stack

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"satchel/dev/mailbox"
	"satchel/dev/services"
)

// Mailbox is a running mailbox. Its Messages are newest first; Fail injects
// failures.
type Mailbox struct {
	*mailbox.Mailbox
	URL    string // ends in "/"
	server *http.Server
}

func startMailbox(file string, port int) (*Mailbox, error) {
	box, err := mailbox.Open(file)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", services.Loopback(port))
	if err != nil {
		return nil, fmt.Errorf("start the mailbox: %w", err)
	}
	m := &Mailbox{Mailbox: box, URL: "http://" + services.Loopback(port) + "/",
		server: &http.Server{Handler: box, ReadTimeout: 30 * time.Second}}
	go func() { _ = m.server.Serve(l) }() // Stop ends it
	return m, nil
}

// Stop shuts the server down. Stored mail is kept.
func (m *Mailbox) Stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := m.server.Shutdown(ctx); err != nil {
		return fmt.Errorf("stop the mailbox: %w", err)
	}
	return m.Close()
}
