package mail

import (
	"context"
	"strings"
	"time"

	"github.com/resend/resend-go/v2"
)

// Message is one email to one recipient.
type Message struct {
	To      string // an address alone, without a name
	Subject string
	HTML    string
	Text    string

	// Unsubscribe is the URL to unsubscribe from emails like this one, by opening it
	// or, from the mail program's own button, by one POST. Empty for emails that
	// cannot be unsubscribed from.
	Unsubscribe string

	// IdempotencyKey identifies this email. Sent twice within a day with the same
	// key and the same body, it arrives once.
	IdempotencyKey string
}

// Sender sends emails through Resend. It is safe for concurrent use.
type Sender struct {
	client *resend.Client
	from   string
}

// New returns a Sender, or an error that names the invalid setting. It does not
// contact the provider.
func New(cfg Config) (*Sender, error) { return newSender(cfg, requestTimeout, responseHeaderTimeout) }

func newSender(cfg Config, timeout, headerTimeout time.Duration) (*Sender, error) {
	base, err := cfg.validate()
	if err != nil {
		return nil, err
	}
	client := resend.NewCustomClient(newHTTPClient(timeout, headerTimeout), cfg.APIKey)
	client.BaseURL = base
	return &Sender{client: client, from: cfg.From}, nil
}

// Send returns nil once the provider has accepted the email, otherwise an *Error.
func (s *Sender) Send(ctx context.Context, m Message) error {
	if err := m.validate(); err != nil {
		return err
	}
	var got responseInfo
	sent, err := s.client.Emails.SendWithOptions(withResponseInfo(ctx, &got), &resend.SendEmailRequest{
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
		return noResponse(ctx, err)
	default:
		return classify(got)
	}
}

func (m Message) headers() map[string]string {
	headers := map[string]string{"Auto-Submitted": "auto-generated"} // suppresses out-of-office replies
	if m.Unsubscribe != "" {                                         // one click, RFC 8058
		headers["List-Unsubscribe"] = "<" + m.Unsubscribe + ">"
		headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
	}
	return headers
}

// validate rejects messages that no retry can make valid, before anything is sent. It
// also rejects a message without an idempotency key, which could arrive twice.
func (m Message) validate() error {
	switch {
	case !isAddress(m.To):
		return permanentError("the recipient's address cannot be used")
	case m.Subject == "" || m.HTML == "" || m.Text == "":
		return permanentError("the message is not complete")
	case strings.ContainsAny(m.Subject, "\r\n"):
		return permanentError("the subject holds a line break")
	case m.Unsubscribe != "" && !isLink(m.Unsubscribe):
		return permanentError("the unsubscribe URL cannot be used")
	case !isIdempotencyKey(m.IdempotencyKey):
		return permanentError("the idempotency key must be 1 to 256 visible ASCII characters")
	}
	return nil
}

// isAddress is deliberately lenient: the provider finds out whether an address
// exists. It only makes sure that the string is a single address.
func isAddress(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && domain != "" && len(s) <= 320 &&
		!strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`,;<>"`, r) })
}

func isIdempotencyKey(s string) bool {
	return s != "" && len(s) <= 256 &&
		!strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
