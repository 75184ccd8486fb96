package mail

import (
	"context"
	"net/http"
	netmail "net/mail"
	"slices"
	"strings"

	"github.com/resend/resend-go/v2"

	"satchel/schema"
)

// testDomain is the provider's own: everybody may send from it to themselves.
const testDomain = "resend.dev"

// Check returns a schema.SetupError if the provider says that it accepts no email of
// ours: with this key, or from this domain. It sends none. A key that may only send
// cannot list domains, so only sending finds out about the domain. A provider that
// does not answer is no error, since emails are retried.
func (s *Sender) Check(ctx context.Context) error {
	var got responseInfo
	list, err := s.client.Domains.ListWithContext(withResponseInfo(ctx, &got))
	badRequest := got.status == http.StatusBadRequest && got.name == "validation_error" // of a request without parameters
	switch {
	case badRequest, got.name == "invalid_api_key", got.name == "missing_api_key":
		return &schema.SetupError{Message: "The email provider does not know the key in RESEND_API_KEY: no email can be sent."}
	case err != nil, list.Object != "list", list.HasMore:
		return nil
	}
	from, err := netmail.ParseAddress(s.from)
	if err != nil {
		return nil //nolint:nilerr // New has checked it
	}
	domain := from.Address[strings.LastIndexByte(from.Address, '@')+1:]
	if strings.EqualFold(domain, testDomain) || slices.ContainsFunc(list.Data, func(d resend.Domain) bool {
		return strings.EqualFold(d.Name, domain) && d.Status == "verified"
	}) {
		return nil
	}
	return &schema.SetupError{Message: "The email provider has not verified the domain of MAIL_FROM: no email can be sent from it."}
}
