package bulkexport

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"satchel/schema"
)

// accountSlots count what is under way for each account with its subaccounts, so that
// what is slow for one does not take all slots of the queue.
type accountSlots struct {
	mu    sync.Mutex
	taken map[string]int
}

// take takes a slot of the account until release is called, once. It returns false
// where the account has as many as it may.
func (s *accountSlots) take(account string, most int) (release func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken[account] >= most {
		return nil, false
	}
	if s.taken == nil {
		s.taken = map[string]int{}
	}
	s.taken[account]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.taken[account]--; s.taken[account] == 0 {
			delete(s.taken, account)
		}
	}, true
}

// ownerOf returns the parent of an account. It is the account itself where it has none,
// and where that cannot be said now.
func (a *Activities) ownerOf(ctx context.Context, account string) string {
	found, err := a.Source.Account(ctx, account)
	if err != nil {
		return account
	}
	return found.Owner()
}

// hookWait is about how long a webhook waits whose account has no slot: as long as
// a receiver may take to answer.
const hookWait = 15 * time.Second

// noHookSlot is the error of a webhook whose account has no slot. It leaves the
// worker's slot to another account, and no attempt is recorded.
func noHookSlot() error {
	err := schema.Errorf(schema.Unavailable, schema.CodeWebhookWaiting, "Other webhooks of the account are being delivered.")
	err.RetryAfter = hookWait/2 + rand.N(hookWait) //nolint:gosec // jitter need not be unpredictable
	return err
}

// searchWait is about how long the search of a day file waits while another one of the
// account is searched.
const searchWait = 2 * time.Second

// noSearchSlot is the error of a search whose account has no slot.
func noSearchSlot() error {
	err := schema.Errorf(schema.Unavailable, schema.CodeBusy, "Another file of the account is being searched.")
	err.RetryAfter = searchWait/2 + rand.N(searchWait) //nolint:gosec // jitter need not be unpredictable
	return err
}
