package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	bulkexports "github.com/twilio/twilio-go/rest/bulkexports/v1"

	"satchel/dev/demo"
	"satchel/dev/fixture"
	"satchel/dev/mailbox"
	"satchel/schema"
)

func TestOwnersAndAdminsGetMailAboutAJobUntilTheyUnsubscribe(t *testing.T) {
	t.Parallel()
	n := newAccount(t, demo.With{Admin: true, Member: true})
	p := newClientOf(t, n.st)
	reader := "reader." + strings.ToLower(n.AccountSID[2:14]) + "@example.com"
	job := n.job(schema.Calls, fixture.Yesterday(), fixture.Yesterday(), func(p *bulkexports.CreateExportCustomJobParams) { p.SetEmail(reader) })
	owner, admin, member := n.As(schema.Owner).Email, n.As(schema.Admin).Email, n.As(schema.Member).Email
	about := func(to, job string) (found []mailbox.Message) {
		for _, m := range p.mails(to) {
			if strings.Contains(m.Text, job) {
				found = append(found, m)
			}
		}
		return found
	}
	for _, to := range []string{owner, admin, reader} {
		fixture.Until(t, func() bool { return len(about(to, *job.JobSid)) == 1 }, fixture.Timeout)
	}
	require.Empty(t, about(member, *job.JobSid))
	ended := about(reader, *job.JobSid)[0]
	require.Contains(t, ended.Text, "An export")
	require.NotContains(t, ended.Text, "/files/", "mails contain no links to files")

	headers := n.st.Mailbox.Headers(about(owner, *job.JobSid)[0].ID)
	require.Equal(t, "List-Unsubscribe=One-Click", headers["List-Unsubscribe-Post"])
	link := strings.Trim(headers["List-Unsubscribe"], "<>")
	res, err := http.Get(link)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)
	second := n.job(schema.Calls, fixture.Yesterday(), fixture.Yesterday())
	fixture.Until(t, func() bool { return len(about(owner, *second.JobSid)) == 1 }, fixture.Timeout)
	res, err = http.PostForm(link, url.Values{"List-Unsubscribe": {"One-Click"}})
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Less(t, res.StatusCode, 300, "the one-click request of a mail client, without a session")
	third := n.job(schema.Calls, fixture.Yesterday(), fixture.Yesterday())
	fixture.Until(t, func() bool { return len(about(admin, *third.JobSid)) == 1 }, fixture.Timeout)
	require.Empty(t, about(owner, *third.JobSid))
}
