package mailbox

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/resend/resend-go/v2"
	"github.com/stretchr/testify/require"
)

func TestASecondSendWithTheSameKeyAndBodyReturnsTheFirstID(t *testing.T) {
	t.Parallel()
	box, client := serve(t, "")
	first, err := send(t, client, "confirm/1", "Confirm your export")
	require.NoError(t, err)
	again, err := send(t, client, "confirm/1", "Confirm your export")
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Len(t, box.Messages(), 1)
}

func TestTheSameKeyWithAnotherBodyIsRejected(t *testing.T) {
	t.Parallel()
	box, client := serve(t, "")
	_, err := send(t, client, "confirm/1", "Confirm your export")
	require.NoError(t, err)
	_, err = send(t, client, "confirm/1", "Something else")
	require.ErrorContains(t, err, "Same idempotency key used with a different request payload")
	require.Len(t, box.Messages(), 1)
}

func TestAnIdempotencyKeyExpiresAfterADay(t *testing.T) {
	t.Parallel()
	box, client := serve(t, "")
	_, err := send(t, client, "confirm/1", "Confirm your export")
	require.NoError(t, err)
	box.now = func() time.Time { return time.Now().Add(24 * time.Hour) }
	_, err = send(t, client, "confirm/1", "Something else")
	require.NoError(t, err)
	require.Len(t, box.Messages(), 2)
}

func TestTheHeadersOfAMailAreStoredAndShown(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "mail.jsonl")
	box, client := serve(t, file)
	_, err := client.Emails.SendWithContext(t.Context(), &resend.SendEmailRequest{
		From: "Satchel <exports@example.com>", To: []string{"ada@example.com"}, Subject: "s", Text: "t",
		Headers: map[string]string{"List-Unsubscribe": "<https://app.example.com/unsubscribe/x>"},
	})
	require.NoError(t, err)
	require.NoError(t, box.Close())
	box, _ = serve(t, file)
	id := box.Messages()[0].ID
	require.Equal(t, map[string]string{"List-Unsubscribe": "<https://app.example.com/unsubscribe/x>"}, box.Headers(id))
	require.Contains(t, get(t, box, "/mails/"+id).Body.String(), "<dt>List-Unsubscribe</dt><dd>&lt;https://app.example.com/unsubscribe/x&gt;</dd>")
	require.Empty(t, box.Headers("nothing"))
}

func TestMailAndKeysSurviveARestart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "mail.jsonl")
	box, client := serve(t, file)
	first, err := send(t, client, "confirm/1", "Confirm your export")
	require.NoError(t, err)
	before := box.Messages()
	require.NoError(t, box.Close())
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"id":"cut sho`)
	require.NoError(t, err)
	require.NoError(t, f.Close())

	box, client = serve(t, file)
	require.Equal(t, before, box.Messages())
	again, err := send(t, client, "confirm/1", "Confirm your export")
	require.NoError(t, err)
	require.Equal(t, first, again)
	_, err = send(t, client, "ready/1", "Your export is ready")
	require.NoError(t, err)
	require.NoError(t, box.Close())

	box, _ = serve(t, file)
	require.Equal(t, []string{"Your export is ready", "Confirm your export"}, subjects(box))
}

func TestMessagesAreListedNewestFirstWithExactlySevenKeys(t *testing.T) {
	t.Parallel()
	box, client := serve(t, "")
	for _, subject := range []string{"one", "two"} {
		_, err := send(t, client, "", subject)
		require.NoError(t, err)
	}
	var messages []map[string]any
	require.NoError(t, json.Unmarshal(get(t, box, "/messages").Body.Bytes(), &messages))
	require.Len(t, messages, 2)
	require.Equal(t, "two", messages[0]["subject"])
	require.Equal(t, []any{"Ada <ada@example.com>"}, messages[0]["to"])
	require.Equal(t, "<p>two</p><script>alert(1)</script>", messages[0]["html"])
	require.Equal(t, "two in text", messages[0]["text"])
	require.Empty(t, messages[0]["idempotencyKey"])
	_, err := time.Parse(time.RFC3339, messages[0]["createdAt"].(string))
	require.NoError(t, err)
	require.NotEmpty(t, messages[0]["id"])
	require.Len(t, messages[0], 7)
}

func TestAnEmptyMailboxIsAnEmptyList(t *testing.T) {
	t.Parallel()
	box, _ := serve(t, "")
	require.Equal(t, "[]", get(t, box, "/messages").Body.String())
	require.Contains(t, get(t, box, "/").Body.String(), "No mail yet")
}

func TestRequestsThatResendRejectsAreRejectedInItsFormat(t *testing.T) {
	t.Parallel()
	valid := `{"from":"Satchel <exports@example.com>","to":["ada@example.com"],"subject":"s","text":"t"}`
	for name, c := range map[string]struct {
		body, key, auth string
		status          int
		want            string
	}{
		"no key":          {valid, "", "", 401, "missing_api_key"},
		"no JSON":         {"{", "", "Bearer re_1", 422, "validation_error"},
		"no sender":       {strings.Replace(valid, `"from"`, `"form"`, 1), "", "Bearer re_1", 422, "missing_required_field"},
		"no recipient":    {strings.Replace(valid, `["ada@example.com"]`, `[]`, 1), "", "Bearer re_1", 422, "missing_required_field"},
		"no subject":      {strings.Replace(valid, `"subject":"s"`, `"subject":""`, 1), "", "Bearer re_1", 422, "missing_required_field"},
		"no content":      {strings.Replace(valid, `"text"`, `"test"`, 1), "", "Bearer re_1", 422, "missing_required_field"},
		"invalid address": {strings.Replace(valid, `ada@example.com`, `ada`, 1), "", "Bearer re_1", 422, "validation_error"},
		"51 recipients":   {strings.Replace(valid, `["ada@example.com"]`, `["`+strings.Repeat(`ada@example.com","`, 50)+`ada@example.com"]`, 1), "", "Bearer re_1", 422, "validation_error"},
		"long key":        {valid, strings.Repeat("k", 257), "Bearer re_1", 400, "invalid_idempotency_key"},
		"large body":      {strings.Repeat(" ", maxBody) + valid, "", "Bearer re_1", 413, "validation_error"},
		"to is a string":  {strings.Replace(valid, `["ada@example.com"]`, `"ada@example.com"`, 1), "", "Bearer re_1", 200, ""},
		"valid":           {valid, strings.Repeat("k", 256), "Bearer re_1", 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			box, _ := serve(t, "")
			req := httptest.NewRequest(http.MethodPost, "/emails", strings.NewReader(c.body))
			req.Header.Set("Authorization", c.auth)
			req.Header.Set("Idempotency-Key", c.key)
			res := httptest.NewRecorder()
			box.ServeHTTP(res, req)
			require.Equal(t, c.status, res.Code, res.Body)
			if c.status == 200 {
				require.Len(t, box.Messages(), 1)
				return
			}
			var rejection apiError
			require.NoError(t, json.Unmarshal(res.Body.Bytes(), &rejection))
			require.Equal(t, c.want, rejection.Name)
			require.Equal(t, c.status, rejection.StatusCode)
			require.NotEmpty(t, rejection.Message)
			require.Empty(t, box.Messages())
		})
	}
}

func TestFailuresCanBeInjected(t *testing.T) {
	t.Parallel()
	box, client := serve(t, "")
	fault := func(method, body string) {
		req := httptest.NewRequest(method, "/faults", strings.NewReader(body))
		res := httptest.NewRecorder()
		box.ServeHTTP(res, req)
		require.Less(t, res.Code, 300, res.Body)
	}
	fault(http.MethodPost, `{"status":429,"count":1,"retryAfter":7}`)
	_, err := send(t, client, "a", "s")
	var limited *resend.RateLimitError
	require.ErrorAs(t, err, &limited)
	require.Equal(t, "7", limited.RetryAfter)
	require.Empty(t, box.Messages())

	fault(http.MethodPost, `{"status":503,"count":1,"deliver":true}`)
	_, err = send(t, client, "a", "s")
	require.Error(t, err)
	require.Len(t, box.Messages(), 1, "the mail was stored although the response is an error")
	_, err = send(t, client, "a", "s")
	require.NoError(t, err)
	require.Len(t, box.Messages(), 1)

	fault(http.MethodPost, `{"status":500}`)
	for range 3 {
		_, err = send(t, client, "b", "s")
		require.Error(t, err)
	}
	fault(http.MethodDelete, "")
	_, err = send(t, client, "b", "s")
	require.NoError(t, err)
}

func TestAMailIsShownInASandbox(t *testing.T) {
	t.Parallel()
	box, client := serve(t, "")
	_, err := send(t, client, "", "<b>bold</b>")
	require.NoError(t, err)
	id := box.Messages()[0].ID
	require.Contains(t, get(t, box, "/").Body.String(), "/mails/"+id)
	require.Contains(t, get(t, box, "/list").Body.String(), "/mails/"+id)
	page := get(t, box, "/mails/"+id)
	require.Contains(t, page.Body.String(), `src="/mails/`+id+`/html"`)
	require.Contains(t, page.Body.String(), `sandbox="allow-popups allow-popups-to-escape-sandbox allow-downloads"`)
	require.Contains(t, page.Body.String(), "&lt;b&gt;bold")
	require.NotContains(t, page.Body.String(), "<script>")
	require.NotContains(t, page.Header().Get("Content-Security-Policy"), "unsafe-inline")
	content := get(t, box, "/mails/"+id+"/html")
	require.Contains(t, content.Body.String(), "<script>", "as it was sent")
	policy := content.Header().Get("Content-Security-Policy")
	require.Contains(t, policy, "sandbox")
	require.NotContains(t, policy, "allow-scripts")
	require.Equal(t, http.StatusNotFound, get(t, box, "/mails/nothing").Code)
}

func TestAMailIsShownAsTextAndAsADarkClientShowsIt(t *testing.T) {
	t.Parallel()
	box, client := serve(t, "")
	_, err := send(t, client, "", "hello")
	require.NoError(t, err)
	at := "/mails/" + box.Messages()[0].ID
	text := get(t, box, at+"?text").Body.String()
	require.Contains(t, text, "hello in text")
	require.NotContains(t, text, "<iframe")
	phone := get(t, box, at+"?phone&colours=dark").Body.String()
	require.Contains(t, phone, `class="phone dark" src="`+at+`/html?colours=dark"`)
	require.Contains(t, phone, `href="`+at+`?text&amp;phone&amp;colours=dark"`, "the view options are kept from tab to tab")

	mail := "<!doctype html><html><head><style>@media (prefers-color-scheme: dark) { p { color: white } }</style></head>"
	require.True(t, strings.HasPrefix(withColours(mail, "dark"), "<!doctype html>"), "nothing is before the doctype")
	require.Contains(t, withColours(mail, "dark"), "@media all { p")
	require.Contains(t, withColours(mail, "light"), "@media not all { p")
	require.Contains(t, withColours(mail, ""), "@media (prefers-color-scheme: dark) { p", "unchanged")
}

func serve(t *testing.T, file string) (*Mailbox, *resend.Client) {
	t.Helper()
	box, err := Open(file)
	require.NoError(t, err)
	server := httptest.NewServer(box)
	t.Cleanup(server.Close)
	client := resend.NewCustomClient(server.Client(), "re_dev")
	client.BaseURL, err = url.Parse(server.URL + "/")
	require.NoError(t, err)
	return box, client
}

func send(t *testing.T, client *resend.Client, key, subject string) (string, error) {
	t.Helper()
	sent, err := client.Emails.SendWithOptions(t.Context(), &resend.SendEmailRequest{
		From: "Satchel <exports@example.com>", To: []string{"Ada <ada@example.com>"}, Subject: subject,
		Html: "<p>" + subject + "</p><script>alert(1)</script>", Text: subject + " in text",
	}, &resend.SendEmailOptions{IdempotencyKey: key})
	if err != nil {
		return "", err
	}
	return sent.Id, nil
}

func get(t *testing.T, box *Mailbox, path string) *httptest.ResponseRecorder {
	t.Helper()
	res := httptest.NewRecorder()
	box.ServeHTTP(res, httptest.NewRequest(http.MethodGet, path, io.Reader(nil)))
	return res
}

func subjects(box *Mailbox) []string {
	var all []string
	for _, m := range box.Messages() {
		all = append(all, m.Subject)
	}
	return all
}
