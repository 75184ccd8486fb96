package e2e

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	bulkexports "github.com/twilio/twilio-go/rest/bulkexports/v1"

	"satchel/dev/demo"
	"satchel/dev/fixture"
	"satchel/schema"
)

func TestInputsOfBulkExportsAreNeitherLoggedNorInHistories(t *testing.T) {
	t.Parallel()
	n := newAccount(t, demo.With{Admin: true})
	to := fixture.Yesterday()
	for _, typ := range schema.ResourceTypes {
		n.fill(typ, to, to, 5)
	}
	secrets, personal, err := demo.Canaries(t.Context(), n.st.Demo.DatabaseURL, n.AccountSID)
	require.NoError(t, err)
	silent := append(append(secrets, personal...), n.AuthToken, n.APIKey.Secret)
	body := "canary-body-" + rand.Text()
	_, err = n.st.DB.Exec(`update platform.messages set body = $2, from_number = $2, to_number = $2 where account_sid = $1`, n.AccountSID, body)
	require.NoError(t, err)
	silent = append(silent, body)

	// The inputs of a job may be in e-mails to the account, but not in logs and histories.
	name, word := "Canary "+rand.Text(), strings.ToLower(rand.Text())
	email := "canary." + word + "@example.com"
	responseBody := "canary-response-" + rand.Text()
	r := fixture.NewReceiver(t, func(i int) int {
		if i == 1 {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	r.Config.Handler = withBody(responseBody, r.Config.Handler)
	hooks := []string{r.URL + "/canary-" + word, "http://canary-" + word + ".invalid/", "http://127.0.0.1:1/canary-" + word}
	inputs := func(hook string) func(*bulkexports.CreateExportCustomJobParams) {
		return func(p *bulkexports.CreateExportCustomJobParams) {
			p.SetFriendlyName(name).SetEmail(email).SetWebhookUrl(hook).SetWebhookMethod("POST")
		}
	}
	var job string
	for i, typ := range schema.ResourceTypes {
		job = *n.job(typ, to, to, inputs(hooks[i%len(hooks)])).JobSid
		n.awaitEnded(job)
		lines := strings.Join(n.fileLines(typ, to), "\n")
		for _, secret := range secrets {
			require.NotContains(t, lines, secret, "%s was exported", secret)
		}
		if typ == schema.Messages {
			require.Contains(t, lines, body, "the canary is in an exported column")
		}
		n.configure(typ, new(bulkexports.UpdateExportConfigurationParams).
			SetEnabled(true).SetWebhookUrl("https://canary-"+word+".example.com/").SetWebhookMethod("GET"))
	}
	fixture.Until(t, func() bool { return len(r.Requests()) >= 3 }, fixture.Timeout) // of two jobs, one of them attempted twice
	fixture.Until(t, func() bool {
		attempted := 0
		for _, e := range n.events() {
			if e.Tries > 0 {
				attempted++
			}
		}
		return attempted == 4
	}, fixture.Timeout)

	// Errors name the problem, not the input.
	requireRejected := func(change func(*bulkexports.CreateExportCustomJobParams)) {
		params := jobParams(to, to)
		change(params)
		_, err := n.BulkexportsV1.CreateExportCustomJob("Calls", params)
		message := requireRestError(t, err, http.StatusBadRequest, 20001)
		require.NotContains(t, strings.ToLower(message), word)
	}
	requireRejected(func(p *bulkexports.CreateExportCustomJobParams) { p.SetEmail("<" + email) })
	requireRejected(withWebhook("http://10.0.0.1/canary-"+word, "POST"))
	requireRejected(withWebhook("gopher://canary-"+word, "POST"))
	requireRejected(func(p *bulkexports.CreateExportCustomJobParams) { p.SetFriendlyName(word + "\x00") })
	_, err = twilioClient(t, n.base, n.AccountSID, word).BulkexportsV1.FetchExport("Calls")
	requireRestError(t, err, http.StatusUnauthorized, 20003)
	link, err := url.Parse(n.fileLink(schema.Calls, to))
	require.NoError(t, err)
	signature := link.Query().Get("sig")
	require.NotEmpty(t, signature)

	places := logs(t, n.st)
	for id, history := range histories(t, n.st) {
		places["history "+id] = history
	}
	require.True(t, anyContains(places, "history ", job))
	require.True(t, anyContains(places, n.st.Logs(), job))
	for _, s := range append(silent, name, word, responseBody, signature) {
		for place, text := range places {
			require.False(t, bytes.Contains(text, []byte(s)), "%s contains %s", place, s)
		}
	}
	for _, m := range n.st.Mailbox.Messages() {
		for _, s := range append(silent, word, responseBody, signature) {
			require.NotContains(t, m.Subject+m.HTML+m.Text+m.IdempotencyKey, s)
		}
	}
}

// withBody adds a body to each response.
func withBody(body string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		_, _ = w.Write([]byte(body))
	})
}
