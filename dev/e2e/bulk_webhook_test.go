package e2e

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/dev/demo"
	"satchel/dev/fixture"
	"satchel/schema"
)

func TestAWebhookIsSignedAsTwiliosValidatorsExpect(t *testing.T) {
	t.Parallel()
	n := newAccount(t, demo.With{})
	to := fixture.Yesterday()
	n.fill(schema.Calls, to, to, 3)
	for i, method := range []string{http.MethodPost, http.MethodGet} {
		r := fixture.NewReceiver(t, nil)
		job := n.job(schema.Calls, to.Plus(-1), to, withWebhook(r.URL+"/bulk?x=1&y=%20z", method))
		h := r.Await(t, 1)[0]
		require.Equal(t, method, h.Method)
		n.requireSigned(h)
		require.Equal(t, n.AccountSID, h.Params.Get("account_sid"))
		require.Equal(t, "completed", h.Params.Get("status"))
		require.Equal(t, *job.JobSid, h.Params.Get("job_sid"))
		require.Equal(t, "An export", h.Params.Get("friendly_name"))
		require.Equal(t, []string{"1", "1", "0"}, []string{h.Params.Get("days_completed"), h.Params.Get("days_empty"), h.Params.Get("days_failed")})
		require.Equal(t, h.Token, h.Params.Get("event_id"))
		fixture.Until(t, func() bool { return len(n.events()) == i+1 && n.events()[0].Status == "delivered" }, fixture.Timeout)
		require.Equal(t, 1, n.events()[0].Tries)
		require.Len(t, r.Requests(), 1, "one event, one request")
	}
}

func TestAWebhookIsRetriedAndResentWithTheSameToken(t *testing.T) {
	t.Parallel()
	n := newAccount(t, demo.With{})
	r := fixture.NewReceiver(t, func(i int) int {
		if i < 3 {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	n.job(schema.Calls, fixture.Yesterday(), fixture.Yesterday(), withWebhook(r.URL, "POST"))
	event := n.awaitDelivered()
	require.Equal(t, 3, event.Tries)
	requests := r.Requests()
	require.Len(t, requests, 3)
	p := newClientOf(t, n.st)
	p.user, p.pass = n.AccountSID, n.AuthToken
	p.json(http.MethodPost, "/v1/bulk/events/"+event.ID+"/resend", http.StatusAccepted, nil)
	requests = r.Await(t, 4)
	for _, h := range requests {
		n.requireSigned(h)
		require.Equal(t, event.ID, h.Token)
		require.Equal(t, requests[0].Params, h.Params)
	}
	require.Equal(t, event.ID, n.awaitDelivered().ID)
}

func TestAWebhookIsRetriedAfterTheWorkerWasKilled(t *testing.T) {
	n := newAccount(t, demo.With{})
	r := fixture.NewReceiver(t, func(i int) int {
		if i == 1 {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	})
	n.job(schema.Calls, fixture.Yesterday(), fixture.Yesterday(), withWebhook(r.URL, "GET"))
	first := r.Await(t, 1)[0]
	require.NoError(t, n.st.Worker.Kill())
	require.NoError(t, n.st.Worker.Start(t.Context()))
	n.awaitDelivered()
	requests := r.Requests()
	require.Len(t, requests, 2)
	require.Equal(t, first.Token, requests[1].Token)
	n.requireSigned(requests[1])
}
