package e2e

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/dev/demo"
	"satchel/schema"
)

func TestAnErasedCallIsGoneFromItsFileWithinMinutes(t *testing.T) {
	t.Parallel()
	n := newTenant(t, demo.With{})
	for _, day := range []schema.Day{yesterday(), yesterday().Plus(-500)} { // the second is in the archive alone
		n.fill(schema.Calls, day, day, 20)
		n.ended(*n.job(schema.Calls, day, day).JobSid)
	}
	type doomed struct {
		day        schema.Day
		sid, oldAt string
	}
	var all []doomed
	for _, day := range []schema.Day{yesterday(), yesterday().Plus(-500)} {
		var call struct{ SID string }
		require.NoError(t, json.Unmarshal([]byte(n.lines(schema.Calls, day)[7]), &call))
		d := doomed{day, call.SID, n.link(schema.Calls, day)}
		all = append(all, d)
		require.NoError(t, patient(t, func() error { return n.VoiceV1.DeleteArchivedCall(string(day), d.sid) }))
		require.NoError(t, n.VoiceV1.DeleteArchivedCall(string(day), d.sid), "and again")
		requireRefused(t, n.VoiceV1.DeleteArchivedCall(string(day.Plus(-1)), d.sid), http.StatusNotFound, 20404)
		other := newTenant(t, demo.With{})
		requireRefused(t, other.VoiceV1.DeleteArchivedCall(string(day), d.sid), http.StatusNotFound, 20404)
	}
	db := databaseOf(t, n.st)
	for _, d := range all {
		until(t, func() bool { return len(n.lines(schema.Calls, d.day)) == 19 }, patience)
		lines := n.lines(schema.Calls, d.day)
		n.requireRecords(schema.Calls, d.day, lines, d.sid)
		for _, line := range lines {
			require.NotContains(t, line, d.sid)
		}
		until(t, func() bool { res, _ := fetch(t, d.oldAt); return res.StatusCode == http.StatusNotFound }, patience)
		require.NoError(t, n.VoiceV1.DeleteArchivedCall(string(d.day), d.sid), "204 when it is gone, too")
		var rows int
		require.NoError(t, db.QueryRow(`select count(*) from satchel.audit where account_sid = $1 and subject = $2 and action = 'erased'`, n.AccountSID, d.sid).Scan(&rows))
		require.Equal(t, 1, rows)
	}
	var archived, kept int
	require.NoError(t, db.QueryRow(`select count(*) from platform.calls_archive where sid = $1`, all[1].sid).Scan(&archived))
	require.Zero(t, archived, "it existed in the archive alone, and is gone")
	require.NoError(t, db.QueryRow(`select count(*) from platform.calls where sid = $1`, all[0].sid).Scan(&kept))
	require.Equal(t, 1, kept, "the record of a young call stays")
}
