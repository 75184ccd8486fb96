package mail

import (
	"context"
	"strings"
	"time"

	"github.com/resend/resend-go/v2"
)

// Message is one mail to one person.
type Message struct {
	To      string // an address alone, without a name
	Subject string
	HTML    string
	Text    string

	// Unsubscribe is where the recipient ends mails like this one, by opening it
	// or, from a button of their mail program's own, by one POST. Empty where
	// the mail can not be done without.
	Unsubscribe string

	// IdempotencyKey names this mail. Sent twice within a day with the same key
	// and the same body, it arrives once.
	IdempotencyKey string
}

// Sender hands mails to Resend. It may be used by many goroutines at once.
type Sender struct {
	client *resend.Client
	from   string
}

// New makes a Sender, or says in a sentence which setting is wrong. It does not
// talk to the provider.
func New(cfg Config) (*Sender, error) { return newSender(cfg, wholeRequest, firstByte) }

func newSender(cfg Config, whole, first time.Duration) (*Sender, error) {
	base, err := cfg.check()
	if err != nil {
		return nil, err
	}
	client := resend.NewCustomClient(newHTTPClient(whole, first), cfg.APIKey)
	client.BaseURL = base
	return &Sender{client: client, from: cfg.From}, nil
}

// Send returns nil once the provider has taken the mail, and else an *Error.
func (s *Sender) Send(ctx context.Context, m Message) error {
	if err := m.check(); err != nil {
		return err
	}
	var got answer
	sent, err := s.client.Emails.SendWithOptions(withAnswer(ctx, &got), &resend.SendEmailRequest{
		From:    s.from,
		To:      []string{m.To},
		Subject: m.Subject,
		Html:    m.HTML,
		Text:    m.Text,
		Headers: m.headers(),
	}, &resend.SendEmailOptions{IdempotencyKey: m.IdempotencyKey})
	switch {
	case err == nil && sent.Id != "":
		return nil
	case got.status == 0 || ctx.Err() != nil:
		return unanswered(ctx, err)
	default:
		return verdict(got)
	}
}

func (m Message) headers() map[string]string {
	headers := map[string]string{"Auto-Submitted": "auto-generated"} // out-of-office programs keep quiet
	if m.Unsubscribe != "" {                                         // RFC 8058
		headers["List-Unsubscribe"] = "<" + m.Unsubscribe + ">"
		headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
	}
	return headers
}

// check refuses what no retry can mend, before anything leaves. A mail without
// a key could arrive twice, so it does not leave either.
func (m Message) check() error {
	switch {
	case !isAddress(m.To):
		return refused("the recipient's address cannot be used")
	case m.Subject == "" || m.HTML == "" || m.Text == "":
		return refused("the message is not complete")
	case strings.ContainsAny(m.Subject, "\r\n"):
		return refused("the subject holds a line break")
	case m.Unsubscribe != "" && !isLink(m.Unsubscribe):
		return refused("the address to unsubscribe at cannot be used")
	case !isKey(m.IdempotencyKey):
		return refused("the idempotency key must be 1 to 256 visible ASCII characters")
	}
	return nil
}

// isAddress is deliberately lenient: whether an address exists is for the
// provider to find out. It only makes sure that there is one, and no more.
func isAddress(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && domain != "" && len(s) <= 320 &&
		!strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`,;<>"`, r) })
}

func isKey(s string) bool {
	return s != "" && len(s) <= 256 &&
		!strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
