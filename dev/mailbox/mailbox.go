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

// Message is one mail as GET /messages tells it.
type Message struct {
	ID             string    `json:"id"`
	To             []string  `json:"to"`
	Subject        string    `json:"subject"`
	HTML           string    `json:"html"`
	Text           string    `json:"text"`
	IdempotencyKey string    `json:"idempotencyKey"`
	CreatedAt      time.Time `json:"createdAt"`
}

// kept is a mail as the file holds it, one to a line.
type kept struct {
	Message
	From       string            `json:"from"`
	Headers    map[string]string `json:"headers,omitempty"`
	BodySHA256 string            `json:"bodySha256"`
}

// Mailbox takes mail over HTTP and keeps it.
type Mailbox struct {
	http.Handler
	now func() time.Time

	mu    sync.Mutex
	file  *os.File // nil where mail is kept in memory only
	mails []kept   // oldest first
	fault *Fault
}

// Open reads the mail kept in file, if any, and keeps new mail there. With ""
// mail is gone when the program ends.
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

// Close lets go of the file.
func (m *Mailbox) Close() error {
	if m.file == nil {
		return nil
	}
	return m.file.Close()
}

// Messages are all mails, newest first.
func (m *Mailbox) Messages() []Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	messages := make([]Message, 0, len(m.mails))
	for _, mail := range slices.Backward(m.mails) {
		messages = append(messages, mail.Message)
	}
	return messages
}

// Headers are those that the sender gave a mail of its own, by name.
func (m *Mailbox) Headers(id string) map[string]string {
	mail, _ := m.find(id)
	return mail.Headers
}

// newestFirst is what Messages tells, and who sent it.
func (m *Mailbox) newestFirst() []kept {
	m.mu.Lock()
	defer m.mu.Unlock()
	mails := slices.Clone(m.mails)
	slices.Reverse(mails)
	return mails
}

// load reads every whole line and forgets a last one that a crash cut short.
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
		var mail kept
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

// keep stores a mail and gives it an ID.
func (m *Mailbox) keep(mail kept) (kept, error) {
	mail.ID, mail.CreatedAt = uuid.NewString(), m.now().UTC().Truncate(time.Millisecond)
	if m.file != nil {
		var line bytes.Buffer
		if err := json.NewEncoder(&line).Encode(mail); err != nil {
			return kept{}, err
		}
		if _, err := m.file.Write(line.Bytes()); err != nil {
			return kept{}, err
		}
	}
	m.mails = append(m.mails, mail)
	return mail, nil
}

// earlier finds the mail that the idempotency key stands for, for a day.
func (m *Mailbox) earlier(key string) (kept, bool) {
	if key == "" {
		return kept{}, false
	}
	for _, mail := range slices.Backward(m.mails) {
		if mail.IdempotencyKey == key && m.now().Sub(mail.CreatedAt) < 24*time.Hour {
			return mail, true
		}
	}
	return kept{}, false
}

func (m *Mailbox) find(id string) (kept, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := slices.IndexFunc(m.mails, func(mail kept) bool { return mail.ID == id })
	if at < 0 {
		return kept{}, false
	}
	return m.mails[at], true
}
