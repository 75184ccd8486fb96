package e2e

import (
	"bytes"
	"encoding/base64"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"satchel/dev/demo"
	"satchel/dev/fixture"
	"satchel/schema"
)

func TestPersonalDataIsInTheArchiveOnlyAndSecretsAreNowhere(t *testing.T) {
	t.Parallel()
	st := shared.Stack(t)
	a, err := demo.NewAccount(t.Context(), st.Demo.DatabaseURL, demo.With{Admin: true, Member: true, Records: true})
	require.NoError(t, err)
	secrets, personal, err := demo.Canaries(t.Context(), st.Demo.DatabaseURL, a.AccountSID)
	require.NoError(t, err)
	require.NotEmpty(t, secrets)
	require.NotEmpty(t, personal)
	owner := a.At(st.Demo.BaseURL).As(schema.Owner)
	p := signedIn(t, owner)
	export := p.confirmedExport(owner.Email)
	done := p.awaitStatus(export.ID, "completed", 30*time.Second)
	p.link(owner.Email, "/download/", export.RequestedAt)
	_, document := p.do(http.MethodGet, *done.DownloadURL, nil)
	require.Equal(t, *done.SHA256, sum(document))

	for _, canary := range secrets {
		require.False(t, bytes.Contains(document, []byte(canary)), "%s was exported", canary)
	}
	var exported int
	for _, canary := range personal {
		if bytes.Contains(document, []byte(canary)) {
			exported++
		}
	}
	require.Equal(t, len(personal), exported, "all personal canaries are in exported columns")
	p.do(http.MethodPost, "/confirm/nonsense", nil)
	p.do(http.MethodGet, "/v1/account/exports/EX00000000000000000000000000000000", nil)
	requireDeleted(t, p, export.ID)
	var requester string
	require.NoError(t, st.DB.QueryRow(`select name from platform.users where sid = $1`, owner.ID).Scan(&requester))
	require.Contains(t, personal, requester)
	requireCanariesNowhere(t, st, export.ID, append(secrets, personal...), requester)
	requireNotLogged(t, st, mailedSecrets(t, p, owner.Email, a.At(st.Demo.BaseURL).As(schema.Admin).Email))
}

var mailedToken = regexp.MustCompile(`/(?:confirm|stop|download)/([A-Za-z0-9_-]{20,})`)

// mailedSecrets returns the addresses, and the tokens in the links of the mails to
// them.
func mailedSecrets(t *testing.T, p *httpClient, addresses ...string) (words []string) {
	t.Helper()
	for _, address := range addresses {
		mails := p.mails(address)
		require.NotEmpty(t, mails)
		words = append(words, address)
		for _, m := range mails {
			for _, link := range mailedToken.FindAllStringSubmatch(m.Text+m.HTML, -1) {
				words = append(words, link[1])
			}
		}
	}
	require.Greater(t, len(words), 2+len(addresses), "a link to confirm, one to stop and one to download")
	return words
}

// requireNotLogged fails the test if a word is in a log of worker or server, or in a
// history.
func requireNotLogged(t *testing.T, st *fixture.Stack, words []string) {
	t.Helper()
	places := histories(t, st)
	for path, text := range logs(t, st) {
		if name := filepath.Base(path); strings.HasPrefix(name, "worker") || strings.HasPrefix(name, "server") {
			places[path] = text
		}
	}
	for _, word := range words {
		for place, text := range places {
			require.False(t, bytes.Contains(text, []byte(word)), "%s contains %s", place, word)
		}
	}
}

// requireCanariesNowhere fails the test if a canary is in a log, mail or history,
// except for the name of the person who requested the export in the mails. They must
// mention the export, or they were not read.
func requireCanariesNowhere(t *testing.T, st *fixture.Stack, export string, canaries []string, requester string) {
	t.Helper()
	places := logs(t, st)
	for _, m := range st.Mailbox.Messages() {
		places["mail "+m.IdempotencyKey] = []byte(m.Subject + m.HTML + m.Text + m.IdempotencyKey)
	}
	for id, history := range histories(t, st) {
		places["history "+id] = history
	}
	require.True(t, anyContains(places, "history ", export), "the histories were read")
	require.True(t, anyContains(places, "mail ", export), "the mails were read")
	require.True(t, anyContains(places, st.Logs(), export), "the logs were read")
	for _, s := range canaries {
		for place, text := range places {
			if s == requester && strings.HasPrefix(place, "mail ") {
				continue
			}
			require.False(t, bytes.Contains(text, []byte(s)), "%s contains %s", place, s)
		}
	}
}

// logs returns the logs of all services, by path.
func logs(t *testing.T, st *fixture.Stack) map[string][]byte {
	t.Helper()
	places := map[string][]byte{}
	require.NoError(t, filepath.WalkDir(st.Logs(), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			places[path], err = os.ReadFile(path)
		}
		return err
	}))
	require.NotEmpty(t, places)
	return places
}

func anyContains(places map[string][]byte, prefix, word string) bool {
	for place, text := range places {
		if strings.HasPrefix(place, prefix) && bytes.Contains(text, []byte(word)) {
			return true
		}
	}
	return false
}

// histories returns the histories of all runs, as JSON.
func histories(t *testing.T, st *fixture.Stack) map[string][]byte {
	t.Helper()
	c := st.TemporalClient
	all := map[string][]byte{}
	for token := []byte(nil); ; {
		var page *workflowservice.ListWorkflowExecutionsResponse
		fixture.Until(t, func() (listed bool) { // a busy Temporal may not answer within the client's deadline
			var err error
			page, err = c.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{NextPageToken: token})
			return err == nil
		}, fixture.Timeout)
		for _, run := range page.GetExecutions() {
			var text bytes.Buffer
			events := c.GetWorkflowHistory(t.Context(), run.GetExecution().GetWorkflowId(), run.GetExecution().GetRunId(), false, 1)
			for events.HasNext() {
				event, err := events.Next()
				require.NoError(t, err)
				text.WriteString(decoded(t, protojson.Format(event)))
			}
			memo := decoded(t, protojson.Format(run))
			all[run.GetExecution().GetWorkflowId()+"/"+run.GetExecution().GetRunId()] = append(text.Bytes(), memo...)
		}
		if token = page.GetNextPageToken(); len(token) == 0 {
			require.NotEmpty(t, all)
			return all
		}
	}
}

// decoded returns a message in JSON, followed by its decoded payloads.
func decoded(t *testing.T, message string) string {
	t.Helper()
	var text strings.Builder
	text.WriteString(message)
	for _, field := range base64Data.FindAllStringSubmatch(message, -1) {
		text.Write(fromBase64(t, field[1]))
	}
	return text.String()
}

// base64Data matches the payloads of a Temporal message in JSON.
var base64Data = regexp.MustCompile(`"data":\s*"([A-Za-z0-9+/=]+)"`)

func fromBase64(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	require.NoError(t, err)
	return b
}
