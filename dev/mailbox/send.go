package mailbox

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"strconv"
	"strings"
)

// maxBody limits the body of a request. Resend itself accepts 40 MB.
const maxBody = 4 << 20

// apiError is an error in the format of Resend.
type apiError struct {
	StatusCode int    `json:"statusCode"`
	Name       string `json:"name"`
	Message    string `json:"message"`
}

// send handles POST /emails.
func (m *Mailbox) send(w http.ResponseWriter, r *http.Request) {
	if rejection := authorize(r); rejection != nil {
		rejection.write(w)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		(&apiError{http.StatusRequestEntityTooLarge, "validation_error", "The request is too large."}).write(w)
		return
	}
	key := r.Header.Get("Idempotency-Key")
	mail, rejection := parseMail(body, key)
	if rejection != nil {
		rejection.write(w)
		return
	}

	m.mu.Lock()
	defer m.mu.Unlock()
	fault := m.takeFault()
	if fault != nil && !fault.Deliver {
		fault.write(w)
		return
	}
	first, repeated := m.findByKey(key)
	switch {
	case repeated && first.BodySHA256 != mail.BodySHA256:
		(&apiError{http.StatusConflict, "invalid_idempotent_request", "Same idempotency key used with a different request payload."}).write(w)
		return
	case !repeated:
		if first, err = m.store(mail); err != nil {
			(&apiError{http.StatusInternalServerError, "internal_server_error", "The mailbox could not store the mail: " + err.Error()}).write(w)
			return
		}
	}
	if fault != nil {
		fault.write(w)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"id": first.ID})
}

// authorize rejects requests without an API key. Any key is accepted.
func authorize(r *http.Request) *apiError {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || strings.TrimSpace(key) == "" {
		return &apiError{http.StatusUnauthorized, "missing_api_key", "Missing API key in the authorization header. Include the following header: Authorization: Bearer YOUR_API_KEY."}
	}
	return nil
}

// parseMail parses a request and rejects what Resend would reject.
func parseMail(body []byte, key string) (storedMail, *apiError) {
	var in struct {
		From, Subject, HTML, Text string
		To                        addresses
		Headers                   map[string]string
	}
	if len(key) > 256 {
		return storedMail{}, &apiError{http.StatusBadRequest, "invalid_idempotency_key", "The key must be between 1-256 chars."}
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return storedMail{}, invalid("The request body is not valid JSON of an email.")
	}
	switch {
	case in.From == "":
		return storedMail{}, missing("from")
	case len(in.To) == 0:
		return storedMail{}, missing("to")
	case in.Subject == "":
		return storedMail{}, missing("subject")
	case in.HTML == "" && in.Text == "":
		return storedMail{}, missing("html` or `text")
	case len(in.To) > 50:
		return storedMail{}, invalid("The `to` field takes at most 50 addresses.")
	}
	if _, err := mail.ParseAddress(in.From); err != nil {
		return storedMail{}, invalid("Invalid `from` field. The email address needs to follow the `email@example.com` or `Name <email@example.com>` format.")
	}
	for _, to := range in.To {
		if _, err := mail.ParseAddress(to); err != nil {
			return storedMail{}, invalid("Invalid `to` field. The email address needs to follow the `email@example.com` or `Name <email@example.com>` format.")
		}
	}
	sum := sha256.Sum256(body)
	return storedMail{
		From: in.From, Headers: in.Headers, BodySHA256: hex.EncodeToString(sum[:]),
		Message: Message{To: in.To, Subject: in.Subject, HTML: in.HTML, Text: in.Text, IdempotencyKey: key},
	}, nil
}

// addresses is one address or a list.
type addresses []string

func (a *addresses) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = addresses{one}
		return nil
	}
	var several []string
	if err := json.Unmarshal(b, &several); err != nil {
		return errors.New("neither an address nor a list of them")
	}
	*a = several
	return nil
}

func missing(field string) *apiError {
	return &apiError{http.StatusUnprocessableEntity, "missing_required_field", fmt.Sprintf("Missing `%s` field.", field)}
}

func invalid(message string) *apiError {
	return &apiError{http.StatusUnprocessableEntity, "validation_error", message}
}

func (e *apiError) write(w http.ResponseWriter) { writeJSON(w, e.StatusCode, e) }

func writeJSON(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil { // cannot happen with these types
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text) // the client has closed the connection
}
