package e2e

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/dev/demo"
	"satchel/schema"
)

func TestAWebhookIsSignedAsTwiliosValidatorsExpect(t *testing.T) {
	t.Parallel()
	n := newTenant(t, demo.With{})
	to := yesterday()
	n.fill(schema.Calls, to, to, 3)
	for i, method := range []string{http.MethodPost, http.MethodGet} {
		r := newReceiver(t, nil)
		job := n.job(schema.Calls, to.Plus(-1), to, telling(r.URL+"/bulk?x=1&y=%20z", method))
		h := r.await(t, 1)[0]
		require.Equal(t, method, h.method)
		n.requireSigned(h)
		require.Equal(t, n.AccountSID, h.params.Get("account_sid"))
		require.Equal(t, "completed", h.params.Get("status"))
		require.Equal(t, *job.JobSid, h.params.Get("job_sid"))
		require.Equal(t, "An export", h.params.Get("friendly_name"))
		require.Equal(t, []string{"1", "1", "0"}, []string{h.params.Get("days_completed"), h.params.Get("days_empty"), h.params.Get("days_failed")})
		require.Equal(t, h.token, h.params.Get("event_id"))
		until(t, func() bool { return len(n.events()) == i+1 && n.events()[0].Status == "delivered" }, patience)
		require.Equal(t, 1, n.events()[0].Tries)
		require.Len(t, r.all(), 1, "one event, one request")
	}
}

func TestAWebhookIsTriedAgainUnderTheSameTokenAndSentAgainWhenAskedFor(t *testing.T) {
	t.Parallel()
	n := newTenant(t, demo.With{})
	r := newReceiver(t, func(i int) int {
		if i < 3 {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	n.job(schema.Calls, yesterday(), yesterday(), telling(r.URL, "POST"))
	told := n.delivered()
	require.Equal(t, 3, told.Tries)
	heard := r.all()
	require.Len(t, heard, 3)
	p := visit(t, n.st)
	p.user, p.pass = n.AccountSID, n.AuthToken
	p.json(http.MethodPost, "/v1/bulk/events/"+told.ID+"/resend", http.StatusAccepted, nil)
	heard = r.await(t, 4)
	for _, h := range heard {
		n.requireSigned(h)
		require.Equal(t, told.ID, h.token)
		require.Equal(t, heard[0].params, h.params)
	}
	require.Equal(t, told.ID, n.delivered().ID)
}

func TestAWebhooksTriesGoOnAfterTheWorkerWasKilled(t *testing.T) {
	n := newTenant(t, demo.With{})
	r := newReceiver(t, func(i int) int {
		if i == 1 {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	})
	n.job(schema.Calls, yesterday(), yesterday(), telling(r.URL, "GET"))
	first := r.await(t, 1)[0]
	require.NoError(t, n.st.Worker.Kill())
	require.NoError(t, n.st.Worker.Start(t.Context()))
	n.delivered()
	heard := r.all()
	require.Len(t, heard, 2)
	require.Equal(t, first.token, heard[1].token)
	n.requireSigned(heard[1])
}
