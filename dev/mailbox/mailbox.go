package mailbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Message is a mail in the JSON of GET /messages.
type Message struct {
	ID             string    `json:"id"`
	To             []string  `json:"to"`
	Subject        string    `json:"subject"`
	HTML           string    `json:"html"`
	Text           string    `json:"text"`
	IdempotencyKey string    `json:"idempotencyKey"`
	CreatedAt      time.Time `json:"createdAt"`
}

// storedMail is a mail as a line of the file.
type storedMail struct {
	Message
	From       string            `json:"from"`
	Headers    map[string]string `json:"headers,omitempty"`
	BodySHA256 string            `json:"bodySha256"`
}

// Mailbox receives mail over HTTP and stores it.
type Mailbox struct {
	http.Handler
	now func() time.Time

	mu    sync.Mutex
	file  *os.File     // nil if mail is in memory only
	mails []storedMail // oldest first
	fault *Fault
}

// Open reads the mail stored in file, if any, and appends new mail to it. With ""
// mail is in memory only.
func Open(file string) (*Mailbox, error) {
	m := &Mailbox{now: time.Now}
	m.Handler = m.routes()
	if file == "" {
		return m, nil
	}
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the mailbox: %w", err)
	}
	if err := m.load(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("read the mailbox %s: %w", file, err)
	}
	m.file = f
	return m, nil
}

// Close closes the file.
func (m *Mailbox) Close() error {
	if m.file == nil {
		return nil
	}
	return m.file.Close()
}

// Messages returns all mails, newest first.
func (m *Mailbox) Messages() []Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	messages := make([]Message, 0, len(m.mails))
	for _, mail := range slices.Backward(m.mails) {
		messages = append(messages, mail.Message)
	}
	return messages
}

// Headers returns the headers that a mail was sent with, by name.
func (m *Mailbox) Headers(id string) map[string]string {
	mail, _ := m.find(id)
	return mail.Headers
}

// newestFirst returns all mails with their senders, newest first.
func (m *Mailbox) newestFirst() []storedMail {
	m.mu.Lock()
	defer m.mu.Unlock()
	mails := slices.Clone(m.mails)
	slices.Reverse(mails)
	return mails
}

// load reads all complete lines and truncates an incomplete last one.
func (m *Mailbox) load(f *os.File) error {
	lines, end := bufio.NewReader(f), int64(0)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		var mail storedMail
		if err := json.Unmarshal(line, &mail); err != nil {
			return err
		}
		m.mails = append(m.mails, mail)
		end += int64(len(line))
	}
	if err := f.Truncate(end); err != nil {
		return err
	}
	_, err := f.Seek(end, io.SeekStart)
	return err
}

// store stores a mail and gives it an ID.
func (m *Mailbox) store(mail storedMail) (storedMail, error) {
	mail.ID, mail.CreatedAt = uuid.NewString(), m.now().UTC().Truncate(time.Millisecond)
	if m.file != nil {
		var line bytes.Buffer
		if err := json.NewEncoder(&line).Encode(mail); err != nil {
			return storedMail{}, err
		}
		if _, err := m.file.Write(line.Bytes()); err != nil {
			return storedMail{}, err
		}
	}
	m.mails = append(m.mails, mail)
	return mail, nil
}

// findByKey finds a mail of the last 24 hours by its idempotency key.
func (m *Mailbox) findByKey(key string) (storedMail, bool) {
	if key == "" {
		return storedMail{}, false
	}
	for _, mail := range slices.Backward(m.mails) {
		if mail.IdempotencyKey == key && m.now().Sub(mail.CreatedAt) < 24*time.Hour {
			return mail, true
		}
	}
	return storedMail{}, false
}

func (m *Mailbox) find(id string) (storedMail, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := slices.IndexFunc(m.mails, func(mail storedMail) bool { return mail.ID == id })
	if at < 0 {
		return storedMail{}, false
	}
	return m.mails[at], true
}
