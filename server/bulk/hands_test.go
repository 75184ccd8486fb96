package bulk_test

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"sync"
	"time"

	"satchel/activities"
	"satchel/activities/accountexport"
	"satchel/activities/bulkexport"
	"satchel/activities/mail"
	"satchel/schema"
	"satchel/workflows/client"
)

// platform is what the platform has of records, calls and schedules.
type platform struct {
	mu        sync.Mutex
	records   map[string][]string // by account, type and day: SIDs
	erased    []string            // calls that its archive was told to delete
	nameless  bool                // nobody has said where its archive is
	schedules map[string]bool     // by account and type
	sent      chan string         // IDs of events that were delivered
	hold      chan struct{}       // nil, or what reading waits for
}

func newPlatform() *platform {
	return &platform{records: map[string][]string{}, schedules: map[string]bool{}, sent: make(chan string, 100)}
}

func place(account string, t schema.ResourceType, day schema.Day) string {
	return account + "/" + string(t) + "/" + string(day)
}

// has gives the platform records.
func (p *platform) has(account string, t schema.ResourceType, day schema.Day, sids ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.records[place(account, t, day)] = sids
}

func (p *platform) callDay(account, call string) (schema.Day, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for at, sids := range p.records {
		if slices.Contains(sids, call) && at[:len(account)] == account {
			return schema.Day(at[len(at)-len("2026-03-01"):]), nil
		}
	}
	return "", schema.Errorf(schema.NotFound, "call_not_found", "There is no such call.")
}

// block keeps days from being read until the returned function is called.
func (p *platform) block() (release func()) {
	hold := make(chan struct{})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold = hold
	return sync.OnceFunc(func() { close(hold) })
}

// ReadDay lends the records of a day.
func (p *platform) ReadDay(ctx context.Context, t schema.ResourceType, account string, day schema.Day, erased []string, do func(schema.RecordReader) error) error {
	p.mu.Lock()
	hold := p.hold
	left := []string{}
	for _, sid := range p.records[place(account, t, day)] {
		if !slices.Contains(erased, sid) {
			left = append(left, sid)
		}
	}
	p.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return do(&lines{left})
}

// SigningKey is of no use here: nothing is really sent.
func (p *platform) SigningKey(context.Context, string) ([]byte, error) {
	return nil, schema.Errorf(schema.Conflict, "no_signing_key", "None.")
}

// EraseCalls is what the platform's archive is told.
func (p *platform) EraseCalls(_ context.Context, _ string, calls []string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erased = append(p.erased, calls...)
	return nil
}

// SetDaily is what Temporal's schedules are told.
func (p *platform) SetDaily(_ context.Context, account string, t schema.ResourceType, enabled bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.schedules[account+"/"+string(t)] = enabled
	return nil
}

func (p *platform) scheduled(account string, t schema.ResourceType) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.schedules[account+"/"+string(t)]
}

type lines struct{ sids []string }

func (*lines) Expected() (int64, error) { return 0, nil }
func (*lines) Key() string              { return "" }

func (l *lines) AppendRow(dst []byte) ([]byte, error) {
	if len(l.sids) == 0 {
		return dst, io.EOF
	}
	dst = fmt.Appendf(dst, `{"sid":%q}`, l.sids[0])
	l.sids = l.sids[1:]
	return dst, nil
}

// hands are real ones, but for the platform, mails and webhooks.
func (w *world) hands() []any {
	hands := &bulkexport.Activities{
		Store: w.store, Source: directory{w.platform, w}, Vault: w.vault, Count: uncounted{},
		Runs: runs{world: w}, Secrets: w.vault, Hooks: w.platform, Schedules: w.platform,
	}
	if !w.platform.nameless {
		hands.Archive = w.platform
	}
	return []any{hands, &accountexport.Activities{}, &activities.EmailActivities{
		Ledger: w.store, Mail: nobodyReads{}, Count: uncounted{},
		Composers: []activities.EmailComposer{&bulkexport.EmailComposer{Store: w.store, Directory: directory{w.platform, w}, Links: w.links, Site: site}},
	}}
}

// Deliver is what a receiver hears.
func (p *platform) Deliver(_ context.Context, _ schema.Hook, token string, _ []byte, _ url.Values) (schema.EventTry, error) {
	p.sent <- token
	return schema.EventTry{HTTPStatus: 204, Outcome: string(schema.EventDelivered)}, nil
}

// runs looks for no lost ones here.
type runs struct {
	bulkexport.Runs
	*world
}

func (r runs) RequestRebuild(ctx context.Context, account string, day schema.Day) error {
	return client.RequestRebuild(ctx, r.temporal, account, day)
}

type directory struct {
	*platform
	*world
}

func (d directory) Account(ctx context.Context, id string) (schema.Account, error) {
	return d.world.Account(ctx, id)
}

func (d directory) People(context.Context, string) ([]schema.Person, error) { return nil, nil }

type nobodyReads struct{}

func (nobodyReads) Send(context.Context, mail.Message) error { return nil }

type uncounted struct{}

func (uncounted) WroteDay(schema.ResourceType, int64, int64) {}
func (uncounted) Mailed(mail.Kind, string)                   {}

// yesterday is the newest day that can be asked for.
func yesterday() schema.Day { return schema.DayOf(time.Now()).Plus(-1) }
