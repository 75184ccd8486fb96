package e2e

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/dev/demo"
	"satchel/dev/fixture"
	"satchel/schema"
)

func TestAnErasedCallIsGoneFromItsFileWithinMinutes(t *testing.T) {
	t.Parallel()
	n := newAccount(t, demo.With{})
	for _, day := range []schema.Day{fixture.Yesterday(), fixture.Yesterday().Plus(-500)} { // the second is in the archive only
		n.fill(schema.Calls, day, day, 20)
		n.awaitEnded(*n.job(schema.Calls, day, day).JobSid)
	}
	type erasedCall struct {
		day          schema.Day
		sid, oldLink string
	}
	var all []erasedCall
	for _, day := range []schema.Day{fixture.Yesterday(), fixture.Yesterday().Plus(-500)} {
		var call struct{ SID string }
		require.NoError(t, json.Unmarshal([]byte(n.fileLines(schema.Calls, day)[7]), &call))
		d := erasedCall{day, call.SID, n.fileLink(schema.Calls, day)}
		all = append(all, d)
		require.NoError(t, retryBusy(t, func() error { return n.VoiceV1.DeleteArchivedCall(string(day), d.sid) }))
		require.NoError(t, retryBusy(t, func() error { return n.VoiceV1.DeleteArchivedCall(string(day), d.sid) }), "while it is being erased")
		requireRestError(t, n.VoiceV1.DeleteArchivedCall(string(day.Plus(-1)), d.sid), http.StatusNotFound, 20404)
		other := newAccount(t, demo.With{})
		requireRestError(t, other.VoiceV1.DeleteArchivedCall(string(day), d.sid), http.StatusNotFound, 20404)
	}
	db := n.st.DB
	for _, d := range all {
		fixture.Until(t, func() bool {
			fixture.Pause(t, 2*time.Second) // one file is sent from its beginning only so often
			return len(n.fileLines(schema.Calls, d.day)) == 19
		}, fixture.Timeout)
		lines := n.fileLines(schema.Calls, d.day)
		n.requireRecords(schema.Calls, d.day, lines, d.sid)
		for _, line := range lines {
			require.NotContains(t, line, d.sid)
		}
		fixture.Until(t, func() bool {
			fixture.Pause(t, 2*time.Second)
			res, _ := fetch(t, d.oldLink)
			return res.StatusCode == http.StatusNotFound
		}, fixture.Timeout)
		require.NoError(t, retryBusy(t, func() error { return n.VoiceV1.DeleteArchivedCall(string(d.day), d.sid) }), "erasing again succeeds")
		var rows int
		require.NoError(t, db.QueryRow(`select count(*) from satchel.audit where account_sid = $1 and subject = $2 and action = 'erased'`, n.AccountSID, d.sid).Scan(&rows))
		require.Equal(t, 1, rows)
	}
	var archived, kept int
	require.NoError(t, db.QueryRow(`select count(*) from platform.calls_archive where sid = $1`, all[1].sid).Scan(&archived))
	require.Zero(t, archived, "a call in the archive is deleted")
	require.NoError(t, db.QueryRow(`select count(*) from platform.calls where sid = $1`, all[0].sid).Scan(&kept))
	require.Equal(t, 1, kept, "the platform's record of a recent call stays")
}
