package source_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/catalog"
	"satchel/schema/store/source"
)

// category returns the account's records of a category.
func (p platform) category(c schema.Category) (records []string) {
	p.Helper()
	require.NoError(p, source.NewPlatform(p.db, p.catalog).ReadCategory(p.Context(), c, p.account, "", func(_ time.Time, rows schema.RecordReader) error {
		records, _ = readAll(p, rows)
		return nil
	}))
	return records
}

func TestACallThatIsInBothTablesIsExportedOnceAndIsTheLiveOne(t *testing.T) {
	p := newPlatform(t)
	sid := "CA" + strings.Repeat("7", 32)
	p.exec(`insert into platform.calls (sid, account_sid, status, direction, date_created) values ($1, $2, 'completed', 'inbound', '2024-02-03 10:00+00')`, sid, p.account)
	p.exec(`insert into platform.calls_archive select * from platform.calls where sid = $1`, sid) // and the archiver died
	p.exec(`update platform.calls set status = 'failed' where sid = $1`, sid)

	once := func(records []string) {
		t.Helper()
		var found []string
		for _, r := range records {
			if strings.Contains(r, sid) {
				found = append(found, r)
			}
		}
		require.Len(t, found, 1)
		require.Contains(t, found[0], `"status":"failed"`)
	}
	once(p.category("calls"))
	once(p.day(schema.Calls, "2024-02-03"))

	// A live call that was scrubbed is not exported from the archive either.
	p.exec(`update platform.calls set pii_scrubbed_at = now() where sid = $1`, sid)
	require.NotContains(t, strings.Join(p.category("calls"), ""), sid)
	require.NotContains(t, strings.Join(p.day(schema.Calls, "2024-02-03"), ""), sid)
}

func TestSecretsInFreeTextAreNotExported(t *testing.T) {
	p := newPlatform(t)
	for i, headers := range []string{
		`{"Via": "SIP/2.0/TLS", "Authorization": "Digest seekrit \" , x", "Via": "second"}`,
		`{"proxy-authorization" : "Digest seekrit"}`,
		`{"Proxy-Authorization": ["Digest seekrit"]}`,
		`[{"name": "Authorization", "value": "Digest seekrit"}]`,
		`{"A\u0075thorization": "Digest seekrit"}`,
		`"Authorization: Digest seekrit"`,
		`{"nested": {"AUTHORIZATION": "Digest seekrit"}}`,
	} {
		for _, table := range []string{"calls", "calls_archive"} {
			p.exec(fmt.Sprintf(`insert into platform.%s (id, sid, account_sid, status, direction, sip_headers) overriding system value
				values ($1, 'CA' || md5($2), $3, 'completed', 'inbound', $4::text::json)`, table), 9000+10*i+len(table), fmt.Sprint(table, i), p.account, headers)
		}
	}
	calls := strings.Join(p.category("calls"), "\n")
	require.NotContains(t, calls, "seekrit")
	require.Contains(t, calls, `"sipHeaders":{"Via": "SIP/2.0/TLS", "left out": null, "Via": "second"}`, "the other headers are")

	for _, kind := range []string{"sign-in.code", "password_reset", "PasswordReset", "email.verification", "mfa", "magic-link", "user.invited", "account.recovery", "login"} {
		p.exec(`insert into platform.notifications (sid, account_sid, channel, kind, subject, body, data) values ('NO' || md5($2), $1, 'sms', $2, 'seekrit', 'seekrit', '{"code": "seekrit"}')`, p.account, kind)
	}
	p.exec(`insert into platform.notifications (sid, account_sid, channel, kind, subject, body) values ('NO1', $1, 'sms', 'balance.low', 'Low', 'Your balance is low')`, p.account)
	notifications := strings.Join(p.category("notifications"), "\n")
	require.NotContains(t, notifications, "seekrit")
	require.Contains(t, notifications, `"kind":"sign-in.code"`, "that there was one is")
	require.Contains(t, notifications, "Your balance is low")
}

func TestARecordThatComesTwiceInADayEndsItByName(t *testing.T) {
	p := newPlatform(t)
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("../../catalog")))
	require.NoError(t, os.CopyFS(filepath.Join(dir, "directory"), os.DirFS("../../directory")))
	require.NoError(t, os.CopyFS(filepath.Join(dir, "days"), os.DirFS("../../days")))
	path := filepath.Join(dir, "days", "Messages.sql")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(text), "from platform.messages m\n", "from platform.messages m join (values (1), (2)) twice(n) on true\n", 1)), 0o600))
	queries, err := catalog.Open(dir)
	require.NoError(t, err)
	p.exec(`insert into platform.messages (sid, account_sid, status, direction, date_created) values ('SM1', $1, 'sent', 'inbound', '2026-05-01 10:00+00')`, p.account)
	err = source.NewPlatform(p.db, queries).ReadDay(t.Context(), schema.Messages, p.account, "2026-05-01", nil, func(rows schema.RecordReader) error {
		for {
			if _, err := rows.AppendRow(nil); err != nil {
				return err
			}
		}
	})
	require.Equal(t, schema.Unreadable, schema.KindOf(err))
	require.ErrorContains(t, err, "Messages of 2026-05-01")
	require.ErrorContains(t, err, `key "SM1"`)
}
