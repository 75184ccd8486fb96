package bulkexport_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	twilio "github.com/twilio/twilio-go/client"
	"go.temporal.io/sdk/temporal"

	"satchel/activities/bulkexport"
	"satchel/activities/hook"
	"satchel/dev/demo"
	"satchel/schema"
)

// receiver is a customer's server. It answers in turn, and with the last
// answer from then on.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	tokens []string
}

func (r *fixture) receiver(validator twilio.RequestValidator, answers ...int) *receiver {
	rec := &receiver{}
	rec.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		rec.mu.Lock()
		defer rec.mu.Unlock()
		at := min(len(rec.bodies), len(answers)-1)
		rec.bodies, rec.tokens = append(rec.bodies, string(body)), append(rec.tokens, req.Header.Get("I-Twilio-Idempotency-Token"))
		if !validator.ValidateBody("http://"+req.Host+req.RequestURI, body, req.Header.Get("X-Twilio-Signature")) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(answers[at])
	}))
	r.t.Cleanup(rec.Close)
	hooks, err := hook.New(hook.Config{Allow: []string{"127.0.0.0/8"}, AllowHTTP: true})
	require.NoError(r.t, err)
	r.Hooks = hooks
	return rec
}

// event opens an event for the receiver.
func (r *fixture) event(url string) schema.Event {
	r.t.Helper()
	e := schema.Event{
		ID: uuid.NewString(), Account: r.account.AccountSID, Type: schema.Calls, Job: schema.NewJobID(),
		Hook:        schema.Hook{URL: url + "/seekrit?x=1", Method: http.MethodPost},
		EventResult: schema.EventResult{Name: "Été & fils", Start: "2026-03-01", End: "2026-03-03", Completed: 3},
	}
	require.NoError(r.t, r.store.OpenEvent(r.t.Context(), e))
	return r.read(e.ID)
}

func (r *fixture) read(id string) schema.Event {
	r.t.Helper()
	e, err := r.store.Event(r.t.Context(), id)
	require.NoError(r.t, err)
	return e
}

func (r *fixture) deliver(id string) error {
	return r.run(r.DeliverWebhook, bulkexport.DeliverWebhookInput{Event: id, Account: r.account.AccountSID})
}

func outcomes(e schema.Event) (said []string) {
	for _, t := range e.Log {
		said = append(said, t.Outcome)
	}
	return said
}

func TestAWebhookIsDeliveredOnceAndSignedWithTheAuthToken(t *testing.T) {
	r := newFixture(t, demo.With{})
	there := r.receiver(twilio.NewRequestValidator(r.account.AuthToken), http.StatusOK)
	e := r.event(there.URL)
	require.NoError(t, r.deliver(e.ID))
	require.NoError(t, r.deliver(e.ID), "it is delivered")
	require.Equal(t, []string{hook.Params(e).Encode()}, there.bodies)
	require.Equal(t, []string{e.ID}, there.tokens)
	e = r.read(e.ID)
	require.Equal(t, schema.EventDelivered, e.Status)
	require.Equal(t, 1, e.Tries)
	require.Equal(t, []string{"delivered"}, outcomes(e))

	require.NoError(t, r.run(r.ReopenWebhook, bulkexport.ReopenWebhookInput{Event: e.ID}))
	require.NoError(t, r.deliver(e.ID))
	require.Equal(t, []string{e.ID, e.ID}, there.tokens, "asked for again, it is the same event")
	require.Equal(t, there.bodies[0], there.bodies[1])
}

func TestAFailingReceiverIsRetriedAndSeenInTheLog(t *testing.T) {
	r := newFixture(t, demo.With{})
	there := r.receiver(twilio.NewRequestValidator(r.account.AuthToken), http.StatusServiceUnavailable, http.StatusNoContent)
	e := r.event(there.URL)
	err := r.deliver(e.ID)
	require.False(t, final(t, err))
	var failure *temporal.ApplicationError
	require.ErrorAs(t, err, &failure)
	require.Equal(t, 30*time.Second, failure.NextRetryDelay())
	require.Equal(t, schema.EventPending, r.read(e.ID).Status)
	require.NoError(t, r.deliver(e.ID))
	e = r.read(e.ID)
	require.Equal(t, schema.EventDelivered, e.Status)
	require.Equal(t, []string{"delivered", "refused with 503"}, outcomes(e))
	require.Equal(t, there.tokens[0], there.tokens[1])
}

func TestAWebhookThatCanNeverBeCalledIsNotRetried(t *testing.T) {
	r := newFixture(t, demo.With{})
	there := r.receiver(twilio.NewRequestValidator(r.account.AuthToken), http.StatusOK)
	var err error
	r.Hooks, err = hook.New(hook.Config{Allow: []string{"127.0.0.0/8"}})
	require.NoError(t, err)
	e := r.event(there.URL) // plain http
	require.True(t, final(t, r.deliver(e.ID)))
	require.Equal(t, []string{"not an address that can be called"}, outcomes(r.read(e.ID)))
	require.NoError(t, r.run(r.GiveUpWebhook, bulkexport.GiveUpWebhookInput{Event: e.ID}))
	require.Equal(t, schema.EventFailed, r.read(e.ID).Status)
	require.True(t, final(t, r.deliver(e.ID)), "given up, it waits to be asked for again")
	require.Equal(t, 1, r.read(e.ID).Tries)
	require.True(t, final(t, r.deliver(uuid.NewString())), "there is no such event")
	require.Empty(t, there.bodies)
}

// tokenless is a platform that does not show the account's auth token.
type tokenless struct{ bulkexport.Source }

func (tokenless) SigningKey(context.Context, string) ([]byte, error) {
	return nil, schema.Errorf(schema.Conflict, schema.CodeNoSigningKey, "The account has no auth token that webhooks could be signed with.")
}

func TestNothingIsSentUnsignedAndALaterTokenSignsIt(t *testing.T) {
	r := newFixture(t, demo.With{})
	there := r.receiver(twilio.NewRequestValidator(r.account.AuthToken), http.StatusOK)
	e := r.event(there.URL)
	shown := r.Source
	r.Source = tokenless{shown}
	require.False(t, final(t, r.deliver(e.ID)))
	require.Empty(t, there.bodies)
	require.Equal(t, []string{"could not be signed"}, outcomes(r.read(e.ID)))
	r.Source = shown
	require.NoError(t, r.deliver(e.ID))
}

// storeWithoutRecord is a store that cannot record attempts.
type storeWithoutRecord struct{ bulkexport.Store }

func (storeWithoutRecord) RecordAttempt(context.Context, string, schema.EventAttempt) error {
	return errors.New("away")
}

func TestADeliveryThatCouldNotBeRecordedIsSentAgainAsTheSameEvent(t *testing.T) {
	r := newFixture(t, demo.With{})
	there := r.receiver(twilio.NewRequestValidator(r.account.AuthToken), http.StatusOK)
	e := r.event(there.URL)
	r.Store = storeWithoutRecord{r.store}
	require.False(t, final(t, r.deliver(e.ID)))
	r.Store = r.store
	require.NoError(t, r.deliver(e.ID))
	require.Equal(t, []string{e.ID, e.ID}, there.tokens)
	require.Equal(t, schema.EventDelivered, r.read(e.ID).Status)
}

func TestSlowReceiversOfOneAccountLeaveSlotsToOthers(t *testing.T) {
	r := newFixture(t, demo.With{})
	arrived, answer := make(chan struct{}), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-answer
	}))
	t.Cleanup(slow.Close)
	there := r.receiver(twilio.NewRequestValidator(r.account.AuthToken), http.StatusOK)
	r.HooksPerAccount = 2
	var waiting sync.WaitGroup
	for range 2 {
		e := r.event(slow.URL)
		waiting.Go(func() { _ = r.deliver(e.ID) })
		<-arrived
	}
	third := r.event(there.URL)
	err := r.deliver(third.ID)
	require.False(t, final(t, err))
	var failure *temporal.ApplicationError
	require.ErrorAs(t, err, &failure)
	require.Greater(t, failure.NextRetryDelay(), 5*time.Second, "the worker's slot is free meanwhile")
	require.Empty(t, r.read(third.ID).Log, "no attempt was made")
	child := schema.NewAccountID()
	r.exec(`insert into platform.accounts (sid, name, parent_sid, auth_token_sha256) values ($1, 'Child', $2, '')`, child, r.account.AccountSID)
	require.Error(t, r.run(r.DeliverWebhook, bulkexport.DeliverWebhookInput{Event: third.ID, Account: child}), "its subaccounts take no slots of others either")
	require.NoError(t, r.run(r.DeliverWebhook, bulkexport.DeliverWebhookInput{Event: third.ID, Account: schema.NewAccountID()}), "as another account's is")

	close(answer)
	waiting.Wait()
	require.NoError(t, r.deliver(r.event(there.URL).ID))
}

// hookAnHourAhead is on a machine whose clock is an hour ahead.
type hookAnHourAhead struct{}

func (hookAnHourAhead) Deliver(context.Context, schema.Hook, string, []byte, url.Values) (schema.EventAttempt, error) {
	return schema.EventAttempt{At: time.Now().Add(time.Hour), Outcome: string(schema.EventDelivered), HTTPStatus: 200}, nil
}

func TestTheTimeOfAnAttemptIsByTheDatabasesClock(t *testing.T) {
	r := newFixture(t, demo.With{})
	r.Hooks = hookAnHourAhead{}
	e := r.event("https://hooks.example.com")
	require.NoError(t, r.run(r.DeliverWebhook, bulkexport.DeliverWebhookInput{Event: e.ID}))
	e, err := r.store.Event(t.Context(), e.ID)
	require.NoError(t, err)
	require.Len(t, e.Log, 1)
	now, err := r.store.Now(t.Context())
	require.NoError(t, err)
	require.False(t, e.Log[0].At.After(now))
}
